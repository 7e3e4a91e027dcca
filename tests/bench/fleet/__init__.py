"""What a fleet costs where Ansible runs: ten to fifty hosts in one inventory, each with next to nothing to back up."""

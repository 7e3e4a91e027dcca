-- The privileges of the account that applies the schema, from the control node only; hosts never have it.
-- Create the account first, with a password of your own, and require TLS unless it logs in through a socket:
--   CREATE USER 'vex_backup_migrator'@'%' IDENTIFIED BY '...' REQUIRE SSL;
-- Then set vex_backup_log_db_ca_cert, which makes connections encrypted and verifies the server.
-- Another database or account name: change it below.
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES
  ON vex_backup.* TO 'vex_backup_migrator'@'%';

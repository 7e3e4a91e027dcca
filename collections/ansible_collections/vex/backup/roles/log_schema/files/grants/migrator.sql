-- What the account that applies the schema may do. It works from the control node only; hosts never have it.
-- Make the account first, with a password of your own, and require TLS unless it logs in by a socket:
--   CREATE USER 'vex_backup_migrator'@'%' IDENTIFIED BY '...' REQUIRE SSL;
-- Set vex_backup_log_db_ca_cert then: it is what encrypts, and verifies the server.
-- Another database or account name: change it below.
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES
  ON vex_backup.* TO 'vex_backup_migrator'@'%';

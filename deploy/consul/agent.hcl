# Access control is deny by default: each service holds a token that may register its own name only.
datacenter           = "espace"
data_dir             = "/consul/data"
disable_update_check = true
acl {
  enabled        = true
  default_policy = "deny"
  down_policy    = "extend-cache"
}
# Services want a certificate from whoever calls them, so the agent shows its own when it asks after
# their health.
enable_agent_tls_for_checks = true
ca_file                     = "/run/secrets/tls_autorite"
cert_file                   = "/run/secrets/tls_certificat"
key_file                    = "/run/secrets/tls_cle"
# Nothing runs on the agent's host by order of its API.
enable_script_checks       = false
enable_local_script_checks = false

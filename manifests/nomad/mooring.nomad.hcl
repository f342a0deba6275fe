# Mooring as a Nomad job: two replicas, of which one leads at a time, with declarations from Git and the
# inventory in Nomad Variables. docs/high-availability.md says what to expect of it.
#
#   nomad acl policy apply -namespace default -job mooring mooring policy.hcl   (where ACLs are on)
#   nomad job run -var image=REGISTRY/mooring:TAG -var source='git+https://HOST/REPOSITORY.git#main:volumes' mooring.nomad.hcl

variable "image" {
  type        = string
  description = "Image with Mooring in it; build and push your own."
}

variable "source" {
  type        = string
  description = "Where the declarations are: git+https://host/repository.git#branch:path."
}

variable "datacenters" {
  type    = list(string)
  default = ["*"]
}

variable "prune" {
  type        = bool
  default     = false
  description = "End what is no longer declared, by its deletionPolicy."
}

job "mooring" {
  type        = "service"
  datacenters = var.datacenters

  group "operator" {
    count = 2

    # The second is there for when the first one's node is not.
    constraint {
      operator = "distinct_hosts"
      value    = "true"
    }

    # One at a time, so that somebody leads all along.
    update {
      max_parallel     = 1
      health_check     = "checks"
      min_healthy_time = "10s"
      healthy_deadline = "3m"
      auto_revert      = true
    }

    network {
      port "metrics" {}
    }

    service {
      name     = "mooring"
      provider = "nomad"
      port     = "metrics"
      tags     = ["metrics"]

      check {
        name     = "alive"
        type     = "http"
        path     = "/healthz"
        interval = "10s"
        timeout  = "2s"

        check_restart {
          limit = 3
          grace = "60s"
        }
      }

      # A replica that stands by is ready, too.
      check {
        name     = "ready"
        type     = "http"
        path     = "/readyz"
        interval = "10s"
        timeout  = "2s"
      }
    }

    task "mooring" {
      driver = "docker"

      # The drain at the end takes up to 10 s; then the lock is released, and the other one leads.
      kill_signal  = "SIGTERM"
      kill_timeout = "30s"

      config {
        image = var.image
        args  = ["run"]
        ports = ["metrics"]
      }

      # The workload identity is the token; what it may do is in policy.hcl.
      identity {
        env = true
      }

      env {
        # The task's own API socket, so that no address and no certificate is needed.
        NOMAD_ADDR           = "unix://${NOMAD_SECRETS_DIR}/api.sock"
        MOORING_SOURCE       = var.source
        MOORING_PRUNE        = "${var.prune}"
        MOORING_INVENTORY    = "nomad"
        MOORING_INSTANCE     = "default"
        MOORING_DATA_DIR     = "${NOMAD_TASK_DIR}/mooring"
        MOORING_METRICS_ADDR = "0.0.0.0:${NOMAD_PORT_metrics}"
      }

      resources {
        cpu    = 200
        memory = 256
      }
    }
  }
}

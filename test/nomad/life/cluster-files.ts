import { join } from 'node:path'
import { externalNodeID, pluginID, sleepersRoot } from '../real-agent.ts'

export interface AgentPlace {
  /** Of the node, by which jobs are bound to it. */
  readonly name: string
  readonly dataDirectory: string
  readonly ports: { readonly http: number; readonly rpc: number; readonly serf: number }
  /** RPC address of the server that a client alone belongs to; undefined: server and client at once. */
  readonly server?: string
}

/** What `nomad agent -config` reads, as JSON. */
export function agentConfiguration({ name, dataDirectory, ports, server }: AgentPlace): object {
  return {
    name,
    bind_addr: '127.0.0.1',
    data_dir: dataDirectory,
    advertise: { http: '127.0.0.1', rpc: '127.0.0.1', serf: '127.0.0.1' },
    ports,
    // One operator a step, all from one address.
    limits: { http_max_conns_per_client: 2000 },
    ...(server === undefined
      ? {
          server: {
            enabled: true,
            bootstrap_expect: 1,
            // Every five minutes Nomad collects dead claims, in the releases in which it can.
            csi_volume_claim_gc_interval: '24h',
          },
        }
      : {}),
    client: {
      enabled: true,
      ...(server === undefined ? {} : { servers: [server] }),
      options: {
        'fingerprint.denylist': 'env_aws,env_gce,env_azure,env_digitalocean,consul,vault,cni',
      },
      chroot_env: sleepersRoot(),
    },
    plugin: [{ raw_exec: [{ config: [{ enabled: true }] }] }],
    disable_update_check: true,
    log_level: 'WARN',
  }
}

/** csi-driver-host-path with its state in `stateDirectory`; it runs unconfined: Nomad's paths are its own. */
export function pluginJob(place: AgentPlace, stateDirectory: string): object {
  return pluginTask(place, pluginID, 'monolith', {
    command: process.env.CSI_PLUGIN_BIN,
    args: [
      '--drivername=hostpath.csi.k8s.io',
      `--endpoint=unix://${socketOf(place, `\${NOMAD_ALLOC_ID}`)}`,
      `--nodeid=${externalNodeID}`,
      '--enable-attach',
      `--statedir=${stateDirectory}/`,
    ],
  })
}

/**
 * The plugin's instance of another node. Its disks are one directory of one machine, which only one process
 * may keep: so the node reaches that process, by a link to its socket.
 */
export function linkJob(place: AgentPlace, socketPath: string): object {
  const link = `ln -sf ${socketPath} ${socketOf(place, `\${NOMAD_ALLOC_ID}`)}`
  return pluginTask(place, `${pluginID}-${place.name}`, 'node', {
    command: '/bin/sh',
    args: ['-c', `${link} && exec sleep 3600`],
  })
}

export function socketOf({ dataDirectory }: AgentPlace, allocationID: string): string {
  return join(dataDirectory, 'client/csi/plugins', allocationID, 'csi.sock')
}

function pluginTask(place: AgentPlace, jobID: string, type: 'monolith' | 'node', config: object): object {
  const task = {
    Name: 'plugin',
    Driver: 'raw_exec',
    Config: config,
    CSIPluginConfig: {
      ID: pluginID,
      Type: type,
      MountDir: '/csi',
      StagePublishBaseDir: join(place.dataDirectory, 'client/csi', type, pluginID),
      HealthTimeout: 60e9,
    },
    Resources: { CPU: 20, MemoryMB: 64 },
  }
  return job(jobID, place.name, task)
}

/** A job that holds a volume and sleeps. */
export function claimingJob(jobID: string, nodeName: string, volumeID: string): object {
  const task = {
    Name: 'sleep',
    Driver: 'exec',
    User: 'nobody',
    Config: { command: '/bin/sleep', args: ['3600'] },
    VolumeMounts: [{ Volume: 'data', Destination: '/data' }],
    KillTimeout: 1e9,
    Resources: { CPU: 20, MemoryMB: 16 },
  }
  const data = {
    Name: 'data',
    Type: 'csi',
    Source: volumeID,
    AccessMode: 'single-node-writer',
    AttachmentMode: 'file-system',
  }
  return job(jobID, nodeName, task, { Volumes: { data } })
}

function job(jobID: string, nodeName: string, task: object, group: object = {}): object {
  return {
    Job: {
      ID: jobID,
      Type: 'service',
      Datacenters: ['*'],
      Constraints: [{ LTarget: `\${node.unique.name}`, RTarget: nodeName, Operand: '=' }],
      TaskGroups: [
        {
          Name: 'group',
          RestartPolicy: { Attempts: 1000, Interval: 3600e9, Delay: 1e9, Mode: 'delay' },
          Tasks: [task],
          ...group,
        },
      ],
    },
  }
}

/** A volume specification file for the `nomad` CLI. */
export function specification(id: string, fields: Readonly<Record<string, string>> = {}): string {
  return `id = "${id}"
name = "${id}"
type = "csi"
plugin_id = "${pluginID}"
capacity_min = "1MiB"
${Object.entries(fields)
  .map(([field, value]) => `${field} = "${value}"\n`)
  .join('')}
capability {
  access_mode = "single-node-writer"
  attachment_mode = "file-system"
}
`
}

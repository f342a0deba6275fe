import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startMooring } from './mooring-process.ts'

/** What is to be there in the end: so many volumes of the plugin, of 1 MiB each. */
export interface Task {
  readonly pluginID: string
  readonly ids: readonly string[]
  /** Of the agent, or of what counts in front of it. */
  readonly address: string
  /** For its files; empty, and its own. */
  readonly directory: string
}

export interface Contender {
  readonly name: string
  /** Does what comes before the first declaration is there. */
  prepare(task: Task): Promise<{
    /** From the declarations that appear until all volumes are there, by its own word. */
    converge(): Promise<void>
    /** One more look at what is as declared: a run of its own; undefined for a daemon, which looks all the time. */
    again?(): Promise<void>
    close(): Promise<void>
  }>
}

/** The operator, running on an empty folder. */
export const mooring: Contender = {
  name: 'mooring run',
  async prepare({ pluginID, ids, address, directory }) {
    const source = join(directory, 'source')
    mkdirSync(source)
    const operator = startMooring([
      ...['run', '--source', source, '--data-dir', join(directory, 'data')],
      ...['--nomad-addr', address, '--log-level', 'info'],
    ])
    await operator.logged('mooring runs')
    return {
      converge() {
        const ready = new Set<unknown>()
        const done = new Promise<void>((resolve) => {
          const stop = operator.onLine(({ msg, state, key }) => {
            if (msg === 'status' && state === 'ready') ready.add(key)
            if (ready.size < ids.length) return
            stop()
            resolve()
          })
        })
        // Whole at once, as an editor or a checkout would.
        const file = join(source, 'volumes.yaml')
        writeFileSync(join(source, '.volumes.yaml'), ids.map((id) => declaration(id, pluginID)).join('---\n'))
        renameSync(join(source, '.volumes.yaml'), file)
        return done
      },
      close: operator.stop,
    }
  },
}

/** `nomad volume create`, one after the other. */
export const commandLine = (nomad: string): Contender => ({
  name: 'nomad volume create',
  async prepare({ pluginID, ids, address, directory }) {
    for (const id of ids) writeFileSync(join(directory, `${id}.hcl`), specification(id, pluginID))
    return {
      async converge() {
        for (const id of ids) {
          await runProgram(nomad, ['volume', 'create', `${id}.hcl`], directory, { NOMAD_ADDR: address })
        }
      },
      async close() {},
    }
  },
})

/**
 * Terraform or OpenTofu with Nomad's provider, ten at once as it is by default.
 * @param provider folder in which `terraform-provider-nomad` is
 */
export const terraform = (binary: string, provider: string): Contender => ({
  name: 'terraform apply',
  async prepare({ pluginID, ids, address, directory }) {
    writeFileSync(join(directory, 'main.tf'), terraformModule(ids, pluginID))
    const settings = join(directory, 'settings.tfrc')
    writeFileSync(
      settings,
      `provider_installation {
  dev_overrides { "hashicorp/nomad" = ${JSON.stringify(provider)} }
  direct {}
}
`,
    )
    const environment = { NOMAD_ADDR: address, TF_CLI_CONFIG_FILE: settings, CHECKPOINT_DISABLE: '1' }
    const apply = () =>
      runProgram(binary, ['apply', '-auto-approve', '-input=false', '-no-color'], directory, environment)
    return { converge: apply, again: apply, async close() {} }
  },
})

async function runProgram(
  program: string,
  parameters: readonly string[],
  directory: string,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const child = spawn(program, parameters, {
    cwd: directory,
    env: { HOME: directory, PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complaint = ''
  child.stderr.on('data', (chunk) => {
    complaint += chunk
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${program} ${parameters.join(' ')}: ${complaint}`)
}

const declaration = (id: string, pluginID: string) => `apiVersion: mooring.dev/v1alpha1
kind: Volume
metadata: {name: ${id}}
spec:
  pluginID: ${pluginID}
  capacity: {min: 1Mi}
  capabilities: [{accessMode: single-node-writer, attachmentMode: file-system}]
`

const specification = (id: string, pluginID: string) => `id = "${id}"
name = "${id}"
type = "csi"
plugin_id = "${pluginID}"
capacity_min = "1MiB"
capability {
  access_mode = "single-node-writer"
  attachment_mode = "file-system"
}
`

const terraformModule = (ids: readonly string[], pluginID: string) => `terraform {
  required_providers {
    nomad = { source = "hashicorp/nomad" }
  }
}
resource "nomad_csi_volume" "bench" {
  for_each     = toset(${JSON.stringify(ids)})
  plugin_id    = "${pluginID}"
  volume_id    = each.key
  name         = each.key
  capacity_min = "1MiB"
  capability {
    access_mode     = "single-node-writer"
    attachment_mode = "file-system"
  }
}
`

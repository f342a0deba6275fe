import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { vi } from 'vitest'

/** A real Nomad, where one is there. */
export const nomadBinary = process.env.NOMAD_BIN ?? ''

export interface NomadAgent {
  readonly address: string
  close(): Promise<void>
}

/** A real server without a client, on free ports of loopback and in a directory of its own. */
export async function startNomadAgent(): Promise<NomadAgent> {
  const directory = mkdtempSync(join(tmpdir(), 'mooring-nomad-'))
  const [http, rpc, serf] = await freePorts(3)
  const configuration = join(directory, 'agent.hcl')
  writeFileSync(
    configuration,
    `bind_addr = "127.0.0.1"
data_dir = "${directory}/data"
ports { http = ${http} rpc = ${rpc} serf = ${serf} }
advertise { http = "127.0.0.1" rpc = "127.0.0.1" serf = "127.0.0.1" }
server { enabled = true bootstrap_expect = 1 }
disable_update_check = true
`,
  )
  const child = spawn(nomadBinary, ['agent', '-config', configuration], {
    env: { HOME: directory, PATH: process.env.PATH },
    stdio: 'ignore',
  })
  const ended = once(child, 'close')
  const address = `http://127.0.0.1:${http}`
  await vi.waitFor(
    async () => {
      // The keyring comes after the leader, and variables need it.
      const answer = await fetch(`${address}/v1/var/mooring/ready`, {
        method: 'PUT',
        body: JSON.stringify({ Items: { ready: 'true' } }),
      })
      if (!answer.ok) throw new Error(`Nomad is not ready: ${await answer.text()}`)
    },
    { timeout: 50_000, interval: 100 },
  )
  return {
    address,
    async close() {
      child.kill('SIGKILL')
      await ended
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Free a moment ago; a server that is given the number 0 would choose one and not tell. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  return Promise.all(
    servers.map(async (server) => {
      const address = server.address()
      server.close()
      await once(server, 'close')
      return typeof address === 'object' && address !== null ? address.port : 0
    }),
  )
}

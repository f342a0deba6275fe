import { readFileSync } from 'node:fs'
import { createConnectionPools } from '../../src/lib/http/connection-pools.ts'
import { parseAddress } from '../../src/nomad/address.ts'
import { readTlsSettings } from '../../src/nomad/client-tls.ts'
import { readEnvironment } from '../../src/nomad/environment.ts'

/** A request as it goes out; the path is sent as it stands. */
export interface NomadRequest {
  readonly method: string
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface NomadAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** Sends any method to any path, and gives any answer back as it came. */
export interface NomadCaller {
  call(request: NomadRequest): Promise<NomadAnswer>
  close(): Promise<void>
}

/**
 * Over TLS, a unix socket or plainly, by the operator's own connections.
 * @param environment `NOMAD_ADDR` and the other settings that every Nomad tool takes from it
 */
export function createNomadCaller(environment: NodeJS.ProcessEnv): NomadCaller {
  const { region, address, token, tokenFile, tls = {} } = readEnvironment(environment)
  const { origin, pathPrefix, socketPath } = parseAddress(address)
  const pools = createConnectionPools({
    origin,
    ...(socketPath !== undefined && { socketPath }),
    pools: { all: {} },
  })
  const settings = origin.startsWith('https:') ? readTlsSettings(tls) : undefined
  return {
    async call({ method, path, body, headers }) {
      const secret = tokenFile === undefined ? token : readFileSync(tokenFile, 'utf8').trim()
      const answer = await pools.get('all', settings).request({
        origin,
        method,
        path: `${pathPrefix}${inRegion(path, region)}`,
        headers: { ...(secret !== undefined && { 'x-nomad-token': secret }), ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const pairs = Object.entries(answer.headers).map(([name, value]): [string, string] => [
        name,
        String(value),
      ])
      return { status: answer.statusCode, headers: new Headers(pairs), text: await answer.body.text() }
    },
    close: pools.close,
  }
}

/** Unless the request asks for one of its own. */
function inRegion(path: string, region: string | undefined): string {
  if (region === undefined || path.includes('region=')) return path
  return `${path}${path.includes('?') ? '&' : '?'}region=${encodeURIComponent(region)}`
}

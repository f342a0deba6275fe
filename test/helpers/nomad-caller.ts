import { readEnvironment } from '../../src/nomad/environment.ts'
import { createTransport } from '../../src/nomad/transport.ts'

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
 * Over TLS, a unix socket or plainly, by the operator's own transport.
 * @param environment `NOMAD_ADDR` and the other settings that every Nomad tool takes from it
 */
export function createNomadCaller(environment: NodeJS.ProcessEnv): NomadCaller {
  const { region, ...options } = readEnvironment(environment)
  const transport = createTransport(options)
  return {
    async call({ method, path, body, headers }) {
      const token = transport.token()
      const answer = await transport.pools().reads.request({
        method,
        path: `${transport.pathPrefix}${inRegion(path, region)}`,
        headers: { ...(token !== undefined && { 'x-nomad-token': token }), ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const pairs = Object.entries(answer.headers).map(([name, value]): [string, string] => [
        name,
        String(value),
      ])
      return { status: answer.statusCode, headers: new Headers(pairs), text: await answer.body.text() }
    },
    close: transport.close,
  }
}

/** Unless the request asks for one of its own. */
function inRegion(path: string, region: string | undefined): string {
  if (region === undefined || path.includes('region=')) return path
  return `${path}${path.includes('?') ? '&' : '?'}region=${encodeURIComponent(region)}`
}

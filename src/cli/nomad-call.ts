import { systemClock } from '../lib/clock.ts'
import { UsageError } from '../lib/errors.ts'
import { parseJSON } from '../lib/json.ts'
import { clientOptionsOf, type NomadConnection } from '../nomad/connection.ts'
import { createHttp } from '../nomad/http.ts'

/** How long the server may take over a mount. The deadlines of the plugin come before it. */
const timeoutMs = 150_000

/**
 * Sends one request for a person at a terminal.
 * @param path beneath `/v1`
 * @returns the answer's JSON; undefined for an empty body
 * @throws UsageError with the server's own text; OperationError where there is no answer
 */
export async function callApi(
  connection: NomadConnection,
  namespace: string,
  {
    title,
    method,
    path,
    query,
    body,
  }: {
    readonly title: string
    readonly method: 'GET' | 'PUT' | 'DELETE'
    readonly path: string
    readonly query?: Readonly<Record<string, string>>
    readonly body?: object
  },
): Promise<unknown> {
  const http = createHttp({ ...clientOptionsOf(connection), clock: systemClock })
  try {
    const { status, text } = await http.send({
      purpose: { title, type: method === 'GET' ? 'read' : 'write' },
      operation: 'claim_volume',
      method,
      path,
      query: { namespace, ...query },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      timeoutMs,
    })
    if (status !== 200) throw new UsageError(text || `${connection.nomadAddr} answered ${status}`)
    return text === '' ? undefined : parseJSON(text)
  } finally {
    await http.close()
  }
}

import { Option } from 'commander'
import { errorMessage, UsageError } from '../lib/errors.ts'
import { parseJSON } from '../lib/json.ts'

/** How a command that speaks to the Volumes API reaches it; named as in the nomad CLI. */
export interface NomadFlags {
  readonly address: string
  readonly namespace: string
  readonly token?: string
}

export const nomadOptions = () => [
  new Option('--address <url>', 'address of the Volumes API')
    .default('http://127.0.0.1:4646')
    .env('NOMAD_ADDR'),
  new Option('--namespace <name>', 'Nomad namespace').default('default').env('NOMAD_NAMESPACE'),
  new Option('--token <secret>', 'ACL token; give it by the environment').env('NOMAD_TOKEN'),
]

/**
 * One request for a person at a terminal. @returns the answer's JSON; undefined for an empty body
 * @throws UsageError with the server's own text, or why there is no answer
 */
export async function callApi(
  { address, namespace, token }: NomadFlags,
  method: string,
  path: string,
  body?: object,
): Promise<unknown> {
  const url = new URL(path, address)
  url.searchParams.set('namespace', namespace)
  let response: Response
  try {
    response = await fetch(url, {
      method,
      headers: token === undefined ? {} : { 'X-Nomad-Token': token },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    throw new UsageError(`no answer from ${address} (--address): ${errorMessage(cause)}`, { cause: error })
  }
  const text = await response.text()
  if (!response.ok) throw new UsageError(text || `${address} answered ${response.status}`)
  return text === '' ? undefined : parseJSON(text)
}

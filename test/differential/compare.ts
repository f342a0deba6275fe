import { parseJSON } from '../../src/lib/json.ts'
import type { NomadAnswer, NomadCaller, NomadRequest } from '../helpers/nomad-caller.ts'

/** A server of the Volumes API, and the plugin there that the sequences are about. */
export interface Side {
  readonly pluginID: string
  readonly call: NomadCaller['call']
}

/** What is compared of an answer: what no two servers share, such as indexes and times, is replaced. */
export interface Answer {
  readonly status: number
  /** Without what differs from answer to answer. */
  readonly headers: Readonly<Record<string, string>>
  /** A plain text, or the body read as JSON. */
  readonly body: unknown
}

/** One field in which the two sides differ. */
export interface Difference {
  readonly request: NomadRequest
  /** Where: `status`, `header x-nomad-index`, `body.Volumes[0].Name`. */
  readonly place: string
  readonly ours: unknown
  readonly nomad: unknown
  /** The whole answers. */
  readonly answers: { readonly ours: Answer; readonly nomad: Answer }
}

/** Sends one request with its placeholders filled in. */
export async function ask(side: Side, request: NomadRequest, prefix: string): Promise<Answer> {
  const fill = (text: string) => text.replaceAll('{p}', prefix).replaceAll('{plugin}', side.pluginID)
  const body = request.body === undefined ? {} : { body: JSON.parse(fill(JSON.stringify(request.body))) }
  const answer = await side.call({ ...request, path: fill(request.path), ...body })
  const unfilled = normalise(answer, (text) =>
    text.replaceAll(prefix, '{p}').replaceAll(side.pluginID, '{plugin}'),
  )
  return /^\/v1\/volumes\/(external|snapshot)/.test(request.path) && request.method === 'GET'
    ? { ...unfilled, body: ofSequence(unfilled.body) }
    : unfilled
}

/** Lists of a plugin without what other sequences, and those whose sides parted, left there. */
function ofSequence(body: unknown): unknown {
  if (!isObject(body)) return body
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.filter((item) => JSON.stringify(item).includes('{p}')) : value,
    ]),
  )
}

const comparedHeaders = ['content-type', 'x-nomad-index', 'x-nomad-nexttoken', 'x-nomad-knownleader']

function normalise({ status, headers, text }: NomadAnswer, unfill: (text: string) => string): Answer {
  const shown = comparedHeaders.flatMap((name) => {
    const value = headers.get(name)
    if (value === null) return []
    return [[name, name === 'x-nomad-index' ? 'an index' : unfill(value)]]
  })
  const isJSON = headers.get('content-type')?.startsWith('application/json') === true && text !== ''
  const plain = unfill(text)
    .replaceAll(/rpc error: (?!code)/g, '')
    .replaceAll(/\bext-\d+-/g, 'ext-#-')
    .trim()
  return {
    status,
    headers: Object.fromEntries(shown),
    body: isJSON ? normaliseValue(parseJSON(unfill(text).replaceAll(/\bext-\d+-/g, 'ext-#-')), '') : plain,
  }
}

/** What is the machine's or the moment's is compared by being there. */
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function normaliseValue(value: unknown, name: string): unknown {
  if (/(Index|Time|LastContact|Drivers)$/.test(name) && value !== null) return `some ${name}`
  if (typeof value === 'string') {
    if (uuid.test(value)) return 'a UUID'
    return /^127\.0\.0\.1:\d+$/.test(value) ? 'an address' : value
  }
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return value.map((item) => normaliseValue(item, ''))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [uuid.test(key) ? 'a UUID' : key, normaliseValue(item, key)]),
  )
}

/** Field by field; where the statuses differ, bodies and headers say so already. */
export function compare(request: NomadRequest, ours: Answer, nomad: Answer): Difference[] {
  const answers = { ours, nomad }
  const found: Difference[] = []
  const add = (place: string, our: unknown, their: unknown) =>
    found.push({ request, place, ours: our, nomad: their, answers })
  if (ours.status !== nomad.status) {
    add('status', ours.status, nomad.status)
    return found
  }
  for (const name of comparedHeaders) {
    if (ours.headers[name] !== nomad.headers[name])
      add(`header ${name}`, ours.headers[name], nomad.headers[name])
  }
  const walk = (place: string, our: unknown, their: unknown) => {
    if (isObject(our) && isObject(their)) {
      for (const key of new Set([...Object.keys(our), ...Object.keys(their)])) {
        walk(Array.isArray(our) ? `${place}[${key}]` : `${place}.${key}`, our[key], their[key])
      }
    } else if (our !== their) add(place, our, their)
  }
  walk('body', ours.body, nomad.body)
  return found
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

/** Whether the request may have left the sides in different states: what follows says nothing then. */
export const dividesStates = ({ request, answers: { ours, nomad } }: Difference): boolean =>
  request.method !== 'GET' && (ours.status === 200) !== (nomad.status === 200)

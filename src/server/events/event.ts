import { permissionDenied } from '../acl/acl.ts'
import { badRequest } from '../errors.ts'
import type { ApiRequest } from '../http/api.ts'
import { parseNamespace } from '../http/read-options.ts'

/** Topics, as Nomad names them (structs, event.go). Nomad's other topics are accepted, and never have events. */
export type Topic = 'CSIVolume' | 'CSIPlugin' | 'HostVolume' | 'Node' | 'Allocation'

export interface Event {
  readonly topic: Topic
  /** The write that caused the event, in Nomad's word. */
  readonly type: string
  /** ID of what changed. */
  readonly key: string
  /** What a `topic=Topic:key` of a request may name beside the ID. */
  readonly filterKeys: readonly string[]
  /** `''`: what changed has no namespace. */
  readonly namespace: string
  /** What changed as it was then, as JSON. */
  readonly payload: () => string
}

/** The events of one write. */
export interface EventBatch {
  readonly index: number
  readonly events: readonly Event[]
}

/** What a request of the stream asks for. */
export interface EventQuery {
  /** `*`: every namespace that the token may see. */
  readonly namespace: string
  /** 0: from the first batch that is still kept. */
  readonly index: number
  /** Keys by topic; `*` stands for all of either. */
  readonly topics: ReadonlyMap<string, ReadonlySet<string>>
}

/** @throws ApiError 400 in Nomad's words */
export function parseEventQuery(query: URLSearchParams): EventQuery {
  const index = query.get('index') || '0'
  if (!/^\d{1,15}$/.test(index)) throw badRequest(`Unable to parse index: "${index}" is no whole number`)
  const topics = new Map<string, Set<string>>()
  const asked = query.getAll('topic')
  for (const topic of asked.length === 0 ? ['*'] : asked) {
    const [name = '', key = '*', ...more] = topic.split(':')
    if (more.length > 0) {
      throw badRequest(
        `Invalid topic query: error parsing topics: Invalid key value pair for topic, topic: ${topic}`,
      )
    }
    topics.set(name, (topics.get(name) ?? new Set()).add(key))
  }
  return { namespace: parseNamespace(query), index: Number(index), topics }
}

export function isAskedFor({ topic, key, filterKeys, namespace }: Event, query: EventQuery): boolean {
  if (namespace !== '' && query.namespace !== '*' && namespace !== query.namespace) return false
  const keys = [...(query.topics.get(topic) ?? []), ...(query.topics.get('*') ?? [])]
  return keys.some((asked) => asked === '*' || asked === key || filterKeys.includes(asked))
}

/** Topics of Nomad that a token sees by read-job; CSIPlugin is among them because plugins run as jobs. */
const jobTopics: ReadonlySet<string> = new Set([
  ...['CSIPlugin', 'Allocation', 'Job', 'Evaluation', 'Deployment', 'Service'],
])

/** Whether a token may see a topic, in a namespace where the topic is in one; `*`: in any. As Nomad (event_endpoint.go). */
export function maySee(access: ApiRequest['access'], topic: string, namespace: string): boolean {
  if (topic === 'CSIVolume') return access.allows(namespace, 'csi-read-volume')
  if (topic === 'HostVolume') return access.allows(namespace, 'host-volume-read')
  if (jobTopics.has(topic)) return access.allows(namespace, 'read-job')
  return topic === 'Node' ? access.allowsNodeRead() : access.isManagement()
}

/** @throws ApiError 403 where a token may not see everything that is asked for, in one namespace at least */
export function requireFollow(access: ApiRequest['access'], { topics, namespace }: EventQuery): void {
  if (![...topics.keys()].every((topic) => maySee(access, topic, namespace))) throw permissionDenied()
}

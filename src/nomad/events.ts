import Type from 'typebox'
import { classifyAnswer } from './error-table.ts'
import type { Http } from './http.ts'
import { createAnswerParser } from './parse-answer.ts'

/** Something changed about a volume or a plugin. Only a read shows what it is now. */
export interface NomadEvent {
  readonly topic: 'CSIVolume' | 'CSIPlugin'
  /** Empty for a plugin. */
  readonly namespace: string
  /** Volume or plugin ID. */
  readonly key: string
  /** Of the write that caused it; 0 where Nomad does not say. */
  readonly index: bigint
}

export interface EventReads {
  /**
   * Reads the events of plugins and of volumes in all namespaces: first recent ones, then each as it happens. Nomad
   * keeps the last 100 and drops the rest. The token needs csi-read-volume and read-job in every namespace; without
   * them the stream is silent or ends. Do not call this where a server `losesSecrets`. Resolves when Nomad ends the
   * stream.
   * @param options.onAlive called for each line; Nomad sends one at the start and every 30 s
   */
  readEvents(options: {
    readonly onEvent: (event: NomadEvent) => void
    readonly onAlive: () => void
    readonly signal: AbortSignal
  }): Promise<void>
  /** Needs node read. */
  listServers(signal?: AbortSignal): Promise<Servers>
}

/** The living servers of all regions. */
export interface Servers {
  /** The region of the server that answered. */
  readonly region: string
  /** A version looks like `1.10.7+ent`. Both are empty where the server does not report them. */
  readonly servers: readonly { readonly region: string; readonly version: string }[]
}

/** Nomad sends a line every 30 s. */
const silenceMs = 75_000

const Batch = Type.Object({
  Index: Type.Optional(Type.Union([Type.Integer(), Type.BigInt()])),
  Events: Type.Optional(
    Type.Union([
      Type.Null(),
      Type.Array(
        Type.Object({
          Topic: Type.String(),
          Namespace: Type.Optional(Type.String()),
          Key: Type.String(),
        }),
      ),
    ]),
  ),
})

const Members = Type.Object({
  ServerRegion: Type.Optional(Type.String()),
  Members: Type.Array(
    Type.Object({
      Status: Type.String(),
      Tags: Type.Object({ build: Type.Optional(Type.String()), region: Type.Optional(Type.String()) }),
    }),
  ),
})

export function createEventReads(http: Http, readMs: number): EventReads {
  const parseBatch = createAnswerParser(Batch)
  const parseMembers = createAnswerParser(Members)
  return {
    async readEvents({ onEvent, onAlive, signal }) {
      const purpose = { title: 'read events', type: 'read' } as const
      await http.stream(
        {
          purpose,
          path: '/event/stream',
          query: { namespace: '*', topic: ['CSIVolume:*', 'CSIPlugin:*'] },
          silenceMs,
          signal,
        },
        (line) => {
          onAlive()
          const { Index = 0, Events } = parseBatch(line, purpose)
          for (const { Topic, Namespace = '', Key } of Events ?? []) {
            if (Topic === 'CSIVolume' || Topic === 'CSIPlugin')
              onEvent({ topic: Topic, namespace: Namespace, key: Key, index: BigInt(Index) })
          }
        },
      )
    },

    async listServers(signal) {
      const purpose = { title: 'list servers', type: 'read' } as const
      const answer = await http.send({
        purpose,
        operation: 'list_servers',
        method: 'GET',
        path: '/agent/members',
        timeoutMs: readMs,
        signal,
      })
      if (answer.status !== 200) throw classifyAnswer(answer.status, answer.text, purpose)
      const { ServerRegion: region = '', Members } = parseMembers(answer.text, purpose)
      const alive = Members.filter(({ Status }) => Status === 'alive')
      return {
        region,
        servers: alive.map(({ Tags: { region = '', build: version = '' } }) => ({ region, version })),
      }
    },
  }
}

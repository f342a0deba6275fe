import Type from 'typebox'
import { classifyAnswer } from './error-table.ts'
import type { Http } from './http.ts'
import { createAnswerParser } from './parse-answer.ts'

/** That something was written about a volume or a plugin; what it is now, only a read tells. */
export interface NomadEvent {
  readonly topic: 'CSIVolume' | 'CSIPlugin'
  /** Empty for a plugin. */
  readonly namespace: string
  /** Volume or plugin ID. */
  readonly key: string
}

export interface EventReads {
  /**
   * Events of volumes in all namespaces and of plugins: those that the server still has of the past, then each as it
   * happens. Best effort: it keeps 100 and drops the rest. Needs csi-read-volume and read-job in every namespace;
   * a token that lacks them gets a stream without a byte, or its end. Not to be used where `losesSecrets` of a
   * server. Resolves when Nomad ends the stream. `onAlive`: a line arrived, as one does at the start and every 30 s.
   */
  readEvents(options: {
    readonly onEvent: (event: NomadEvent) => void
    readonly onAlive: () => void
    readonly signal: AbortSignal
  }): Promise<void>
  /** Needs node read. */
  listServers(signal?: AbortSignal): Promise<Servers>
}

/** The servers of all regions that are alive. */
export interface Servers {
  /** Of the one that answered. */
  readonly region: string
  /** Each by its region and the version that it runs, such as `1.10.7+ent`; both empty where it does not say. */
  readonly servers: readonly { readonly region: string; readonly version: string }[]
}

/** Nomad gives a sign of life every 30 s. */
const silenceMs = 75_000

const Batch = Type.Object({
  Events: Type.Optional(
    Type.Union([
      Type.Null(),
      Type.Array(
        Type.Object({ Topic: Type.String(), Namespace: Type.Optional(Type.String()), Key: Type.String() }),
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
      const call = { title: 'read events', type: 'read' } as const
      await http.stream(
        {
          call,
          path: '/event/stream',
          query: { namespace: '*', topic: ['CSIVolume:*', 'CSIPlugin:*'] },
          silenceMs,
          signal,
        },
        (line) => {
          if (line === '') return
          onAlive()
          for (const { Topic, Namespace = '', Key } of parseBatch(line, call).Events ?? []) {
            if (Topic === 'CSIVolume' || Topic === 'CSIPlugin')
              onEvent({ topic: Topic, namespace: Namespace, key: Key })
          }
        },
      )
    },

    async listServers(signal) {
      const call = { title: 'list servers', type: 'read' } as const
      const answer = await http.send({
        call,
        operation: 'list_servers',
        method: 'GET',
        path: '/agent/members',
        timeoutMs: readMs,
        signal,
      })
      if (answer.status !== 200) throw classifyAnswer(answer.status, answer.text, call)
      const { ServerRegion: region = '', Members } = parseMembers(answer.text, call)
      const alive = Members.filter(({ Status }) => Status === 'alive')
      return {
        region,
        servers: alive.map(({ Tags: { region = '', build: version = '' } }) => ({ region, version })),
      }
    },
  }
}

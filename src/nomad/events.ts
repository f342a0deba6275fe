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
   * Events from now on of volumes in all namespaces that the token may read, and of plugins; needs
   * csi-read-volume and read-job. Best effort (reference: Nomad keeps 100 and drops the rest), and not to be used
   * with a server that `isEventStreamSafe` refuses. Resolves when Nomad ends the stream, as it does where the
   * token may not read it; `onAlive` tells that it does.
   */
  readEvents(options: {
    readonly onEvent: (event: NomadEvent) => void
    readonly onAlive: () => void
    readonly signal: AbortSignal
  }): Promise<void>
  /** Versions that the servers of all regions run, such as `1.10.7+ent`; needs node read. */
  listServerVersions(signal?: AbortSignal): Promise<readonly string[]>
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
  Members: Type.Array(
    Type.Object({ Status: Type.String(), Tags: Type.Object({ build: Type.Optional(Type.String()) }) }),
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

    async listServerVersions(signal) {
      const call = { title: 'list servers', type: 'read' } as const
      const answer = await http.send({
        call,
        method: 'GET',
        path: '/agent/members',
        timeoutMs: readMs,
        signal,
      })
      if (answer.status !== 200) throw classifyAnswer(answer.status, answer.text, call)
      return parseMembers(answer.text, call)
        .Members.filter(({ Status }) => Status === 'alive')
        .map(({ Tags }) => Tags.build ?? '')
    },
  }
}

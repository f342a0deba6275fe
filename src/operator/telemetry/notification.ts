import Type from 'typebox'
import { type DeclaredKind, kindNames } from '../../lib/declared-kinds.ts'

/** The body of a POST to `--notify-url`. A release may add fields; within a version it removes none. */
export const Notification = Type.Object(
  {
    apiVersion: Type.Literal('mooring.dev/v1alpha1', { description: 'The version of this format.' }),
    kind: Type.Literal('Notification', { description: 'Always Notification.' }),
    id: Type.String({
      description:
        'Of this notification: the same when it is sent again, so that it can be told from another.',
    }),
    time: Type.String({ format: 'date-time', description: 'When it happened, RFC 3339.' }),
    event: Type.Union(
      [Type.Literal('Stalled'), Type.Literal('Resolved'), Type.Literal('SnapshotRunMissed')],
      {
        description:
          'Stalled: only a person can go on; sent once for each change of the reason. Resolved: what was Stalled is ready, suspended or no longer managed; the reason is the one that it was Stalled with. SnapshotRunMissed: a schedule took no snapshot of a volume for one of its times, and will not make up for it.',
      },
    ),
    object: Type.Object(
      {
        kind: Type.Unsafe<DeclaredKind>(
          Type.Union(
            kindNames.map((kind) => Type.Literal(kind)),
            { description: 'The kind of the declaration.' },
          ),
        ),
        namespace: Type.String({ description: 'The Nomad namespace.' }),
        cluster: Type.Optional(
          Type.String({
            description:
              "The NomadCluster that it is in; not given: the Nomad of the operator's own settings.",
          }),
        ),
        name: Type.String({ description: "A volume's ID; of the other kinds, metadata.name." }),
      },
      { description: 'What it is about.', additionalProperties: false },
    ),
    reason: Type.String({ description: 'One CamelCase word, as in the condition.' }),
    message: Type.String({ description: 'As a person reads it. Holds no secret.' }),
  },
  {
    description: "What Mooring sends to the operator's --notify-url.",
    additionalProperties: false,
  },
)
export type Notification = Type.Static<typeof Notification>

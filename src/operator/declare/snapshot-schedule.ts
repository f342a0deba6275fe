import { Cron } from 'croner'
import Type from 'typebox'
import { parseDuration } from '../../lib/duration.ts'
import { errorMessage } from '../../lib/errors.ts'
import { createCheck } from './compiled-check.ts'
import { apiVersion, Document, findReserved } from './document.ts'
import { explainFaults, type Hints, type Reading } from './explain-faults.ts'
import type { Fault } from './fault.ts'
import {
  ClusterName,
  type DeepReadonly,
  fillDefaults,
  NomadNamespace,
  ObjectName,
  Parameters,
  Secrets,
  Suspend,
} from './fields.ts'
import { fixedField, type Origin, rules } from './kubernetes.ts'
import { withFaultsOfRules } from './mend-value.ts'
import { findMisplaced } from './misplaced.ts'

const selectsNothing = 'selects nothing: give names or a selector'

const count = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000, default: 0, description }))

const Duration = (description: string) =>
  Type.String({
    maxLength: 64,
    pattern: '^([0-9]+(\\.[0-9]+)?(s|m|h|d|w))+$',
    patternErrorMessage: 'is not a duration: write for example 36h, 90d or 12w',
    description,
  })

const Retention = Type.Object(
  {
    keepLast: count('Keep this many of the newest.'),
    keepHourly: count('Keep the newest of each of the last this many hours that have one.'),
    keepDaily: count('Keep the newest of each of the last this many days that have one.'),
    keepWeekly: count('Keep the newest of each of the last this many weeks (from Monday) that have one.'),
    keepMonthly: count('Keep the newest of each of the last this many months that have one.'),
    maxAge: Type.Optional(
      Duration(
        'Keep none that is older, whatever the counts say, by its scheduled time and by the time that its plugin took it.' +
          '  With no count given, keep all that are younger. Such as 36h, 90d, 12w.',
      ),
    ),
  },
  {
    additionalProperties: false,
    description:
      'Which snapshots of this schedule stay, for each volume on its own. Only those that are ready to use count: as the plugin lists them, or where it cannot list, as it answered when it took them. Whatever is written here, the newest ready one stays, and so does one that is kept by hand or is the source of a volume still to be made. Not given: all stay.',
  },
)

const SnapshotScheduleSpecAsWritten = Type.Object(
  {
    cluster: Type.Optional(ClusterName),
    namespace: Type.Optional(NomadNamespace),
    schedule: Type.String({
      minLength: 1,
      maxLength: 256,
      description:
        'When to take snapshots: cron with five fields (minute, hour, day of month, month, day of week), or @hourly, @daily, @weekly, @monthly.',
      ...rules({
        rule: String.raw`self.matches('^@[a-z]+$') || self.matches(r'^\s*\S+(\s+\S+){4}\s*$')`,
        message: 'is not a cron schedule: write five fields, such as "0 3 * * *", or one such as @daily',
      }),
    }),
    timeZone: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        default: 'Etc/UTC',
        description:
          'Time zone of the schedule, such as Europe/Berlin. Where clocks go forward, the times that are skipped run once, right after. Where they go back, a schedule of one fixed time a day runs the first time, any other both times.',
      }),
    ),
    startingDeadlineSeconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 31_536_000,
        default: 3600,
        description:
          'A run that could not start in time is made up, once, if it is no later than this many seconds. Later it is missed.',
      }),
    ),
    jitterSeconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 86_400,
        default: 0,
        description:
          'Spread the snapshots of a run over this many seconds; each volume has its own place in it, always the same.',
      }),
    ),
    volumes: Type.Object(
      {
        names: Type.Optional(
          Type.Array(ObjectName('metadata.name of a declared Volume in the same Nomad namespace.'), {
            uniqueItems: true,
            maxItems: 1000,
            description: 'Volumes by the names of their declarations.',
          }),
        ),
        selector: Type.Optional(
          Type.Object(
            {
              matchLabels: Type.Record(Type.String(), Type.String({ maxLength: 63 }), {
                minProperties: 1,
                maxProperties: 64,
                description: 'Labels that a volume has to have, every one.',
              }),
            },
            { additionalProperties: false, description: 'Volumes by their labels.' },
          ),
        ),
      },
      {
        additionalProperties: false,
        description: 'Which declared volumes to take snapshots of: those named, and those selected.',
        ...rules({
          rule: '(has(self.names) && size(self.names) > 0) || has(self.selector)',
          message: selectsNothing,
        }),
      },
    ),
    template: Type.Optional(
      Type.Object(
        {
          parameters: Type.Optional(Parameters('the taking of each snapshot')),
          secrets: Type.Optional(Secrets),
        },
        { additionalProperties: false, description: 'What each snapshot is taken with.' },
      ),
    ),
    retention: Type.Optional(Retention),
    objectives: Type.Optional(
      Type.Object(
        {
          age: Type.Optional(
            Duration(
              'The newest ready snapshot of each volume is never older than this, by the time that its plugin took it. A volume that has none is as old as its being ready. Such as 26h for a daily schedule.',
            ),
          ),
        },
        {
          additionalProperties: false,
          description:
            'What the schedule has to achieve, for each volume. While one is missed, it is not Ready (ObjectiveMissed).',
        },
      ),
    ),
    suspend: Type.Optional(Suspend),
  },
  {
    additionalProperties: false,
    description: 'The schedule as it should be.',
    ...rules(fixedField('cluster'), fixedField('namespace')),
  },
)

/** The schema of the document as a person writes it. */
export const SnapshotScheduleDocument = Document(
  'SnapshotSchedule',
  SnapshotScheduleSpecAsWritten,
  'Takes snapshots of declared volumes again and again. They outlive it.',
)

type SpecAsWritten = Type.Static<typeof SnapshotScheduleSpecAsWritten>
type Defaulted = 'timeZone' | 'startingDeadlineSeconds' | 'jitterSeconds' | 'suspend'

/** A schedule's spec with its defaults filled in. */
export type SnapshotScheduleSpec = DeepReadonly<
  Omit<SpecAsWritten, Defaulted> & Required<Pick<SpecAsWritten, Defaulted | 'namespace'>>
>
export type RetentionSpec = NonNullable<SnapshotScheduleSpec['retention']>

const hints: Hints = {
  'spec.cron': 'write it as schedule',
  'spec.timezone': 'write it as timeZone',
  'spec.deletionPolicy':
    'remove it: snapshots outlive their schedule; retention says which are deleted while it runs',
  'spec.volume': 'write volumes: {names: [...]}',
}

/** Stands for what is missing, while the rest is checked. */
const sample: Type.Static<typeof SnapshotScheduleDocument> = {
  apiVersion,
  kind: 'SnapshotSchedule',
  metadata: { name: 'sample' },
  spec: { schedule: '0 3 * * *', volumes: { names: ['sample'] } },
}

const isDocument = createCheck(SnapshotScheduleDocument)

/**
 * Reads a SnapshotSchedule document.
 * @param value the document's value, without nulls
 * @param namespace the Nomad namespace where the document names none
 */
export function readSnapshotSchedule(
  value: unknown,
  namespace: string,
  origin: Origin = 'file',
): Reading<SnapshotScheduleSpec> {
  const rules = ({ metadata, spec }: Type.Static<typeof SnapshotScheduleDocument>) => {
    const { cluster, template } = spec
    const written = { ...(cluster !== undefined && { cluster }), secrets: template?.secrets }
    return [
      ...findReserved(metadata),
      ...findMisplaced(written, origin, ['spec', 'template', 'secrets']),
      ...findFaults(spec),
    ]
  }
  if (!isDocument(value)) {
    const faults = explainFaults(SnapshotScheduleDocument, value, hints)
    return { faults: withFaultsOfRules(SnapshotScheduleDocument, value, sample, faults, rules) }
  }
  const { metadata, spec } = value
  const faults = rules(value)
  if (faults.length > 0) return { faults }
  return {
    name: metadata.name,
    labels: metadata.labels ?? {},
    spec: {
      ...fillDefaults<typeof spec, Defaulted>(SnapshotScheduleSpecAsWritten, spec),
      namespace: spec.namespace ?? namespace,
    },
  }
}

function findFaults(spec: SpecAsWritten): Fault[] {
  const faults: Fault[] = []
  const fault = (path: readonly string[], message: string) =>
    faults.push({ path: ['spec', ...path], message })
  try {
    new Intl.DateTimeFormat('en', { timeZone: spec.timeZone })
  } catch {
    // Only an unknown time zone is refused here.
    fault(['timeZone'], 'is not a time zone: write a name such as Europe/Berlin or Etc/UTC')
  }
  try {
    const next = new Cron(spec.schedule, { mode: '5-part', paused: true }).nextRun()
    if (next === null) fault(['schedule'], 'never comes, because no date matches it: correct it')
  } catch (error) {
    fault(
      ['schedule'],
      `is not a cron schedule: ${errorMessage(error)}. Write five fields, such as "0 3 * * *"`,
    )
  }
  if ((spec.volumes.names ?? []).length === 0 && spec.volumes.selector === undefined) {
    fault(['volumes'], selectsNothing)
  }
  const durations = [
    [spec.retention?.maxAge, 'retention', 'maxAge'],
    [spec.objectives?.age, 'objectives', 'age'],
  ] as const
  for (const [written, ...path] of durations)
    if (written !== undefined && parseDuration(written) === 0) fault(path, 'is 0: give a longer one')
  return faults
}

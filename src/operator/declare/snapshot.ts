import Type from 'typebox'
import { createCheck } from './compiled-check.ts'
import { apiVersion, Document, findReserved } from './document.ts'
import { explainFaults, type Hints, type Reading } from './explain-faults.ts'
import {
  ClusterName,
  CSIName,
  type DeepReadonly,
  fillDefaults,
  findLongName,
  Identifier,
  NomadNamespace,
  Parameters,
  Secrets,
  Suspend,
  VolumeName,
} from './fields.ts'
import { fixedField, fixedOnceRecorded, type Origin, rules } from './kubernetes.ts'
import { withFaultsOfRules } from './mend-value.ts'
import { findMisplaced } from './misplaced.ts'

/** Fields that say how a snapshot is taken. */
const onlyForTaking = ['name', 'parameters'] as const
const takesNone =
  'is for a snapshot that is taken, and snapshotID adopts one that is there: remove one of the two'

const SnapshotSpecAsWritten = Type.Object(
  {
    cluster: Type.Optional(ClusterName),
    namespace: Type.Optional(NomadNamespace),
    volume: VolumeName(
      'metadata.name of the declared Volume to take the snapshot of, in the same Nomad namespace; of one with perAlloc name[0] and so on.',
    ),
    name: Type.Optional(
      CSIName(
        'Name that the plugin is given when it takes the snapshot, at most 128 bytes; no two snapshots of a plugin may share one. Not given: made once and recorded.',
      ),
    ),
    snapshotID: Type.Optional(
      Identifier(
        "The storage provider's ID of a snapshot of this volume that is already there: it is adopted, and none is taken. Not given: a snapshot is taken.",
      ),
    ),
    parameters: Type.Optional(Parameters('the taking of the snapshot')),
    secrets: Type.Optional(Secrets),
    deletionPolicy: Type.Optional(
      Type.Enum(['Retain', 'Delete'], {
        default: 'Retain',
        description:
          'What the end of this declaration does. Retain: nothing. Delete: the snapshot is deleted.',
      }),
    ),
    suspend: Type.Optional(Suspend),
  },
  {
    additionalProperties: false,
    description: 'The snapshot as it should be.',
    ...rules(
      fixedField('cluster'),
      fixedField('namespace'),
      ...onlyForTaking.map((field) => ({
        rule: `!(has(self.snapshotID) && has(self.${field}))`,
        message: `${field} ${takesNone}`,
        fieldPath: `.${field}`,
      })),
    ),
  },
)

/** The schema of the document as a person writes it. */
export const SnapshotDocument = Document(
  'Snapshot',
  SnapshotSpecAsWritten,
  'A snapshot of a declared volume, taken once and never again.',
  [
    fixedOnceRecorded('volume', 'snapshotID', 'the snapshot'),
    {
      rule: '!has(self.status) || !has(self.status.snapshotID) || !has(self.spec.snapshotID) || self.spec.snapshotID == self.status.snapshotID',
      message:
        'this object has another snapshot already, and snapshotID cannot change: declare the other one in an object of its own',
      fieldPath: '.spec.snapshotID',
    },
  ],
)

type SnapshotSpecAsWritten = Type.Static<typeof SnapshotSpecAsWritten>
type Defaulted = 'deletionPolicy' | 'suspend'

/** A snapshot's spec with its defaults filled in. */
export type SnapshotSpec = DeepReadonly<
  Omit<SnapshotSpecAsWritten, Defaulted> & Required<Pick<SnapshotSpecAsWritten, Defaulted | 'namespace'>>
>

const hints: Hints = {
  'spec.source': 'write the name of the declared Volume as volume',
  'spec.sourceVolumeID': 'write the name of the declared Volume as volume',
  'spec.volumeID': 'write the name of the declared Volume as volume',
  'spec.externalID': "write the storage provider's ID of the snapshot as snapshotID",
  'spec.pluginID': "remove it: a snapshot is taken by its volume's plugin",
}

/** Stands for what is missing, while the rest is checked. */
const sample: Type.Static<typeof SnapshotDocument> = {
  apiVersion,
  kind: 'Snapshot',
  metadata: { name: 'sample' },
  spec: { volume: 'sample' },
}

const isDocument = createCheck(SnapshotDocument)

/**
 * Reads a Snapshot document.
 * @param value the document's value, without nulls
 * @param namespace the Nomad namespace where the document names none
 */
export function readSnapshot(
  value: unknown,
  namespace: string,
  origin: Origin = 'file',
): Reading<SnapshotSpec> {
  const rules = ({ metadata, spec }: Type.Static<typeof SnapshotDocument>) => [
    ...findReserved(metadata),
    ...findMisplaced(spec, origin),
    ...findLongName(spec.name),
    ...onlyForTaking.flatMap((field) =>
      spec.snapshotID === undefined || spec[field] === undefined
        ? []
        : [{ path: ['spec', field], message: takesNone }],
    ),
  ]
  if (!isDocument(value)) {
    const faults = explainFaults(SnapshotDocument, value, hints)
    return { faults: withFaultsOfRules(SnapshotDocument, value, sample, faults, rules) }
  }
  const { metadata, spec } = value
  const faults = rules(value)
  if (faults.length > 0) return { faults }
  return {
    name: metadata.name,
    labels: metadata.labels ?? {},
    spec: {
      ...fillDefaults<typeof spec, Defaulted>(SnapshotSpecAsWritten, spec),
      namespace: spec.namespace ?? namespace,
    },
  }
}

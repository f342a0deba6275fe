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
  NomadNamespace,
  Parameters,
  Secrets,
  Suspend,
  VolumeName,
} from './fields.ts'
import { fixedField, fixedOnceRecorded, type Origin, rules } from './kubernetes.ts'
import { withFaultsOfRules } from './mend-value.ts'
import { findMisplaced } from './misplaced.ts'

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
    ...rules(fixedField('cluster'), fixedField('namespace')),
  },
)

/** The schema of the document as a person writes it. */
export const SnapshotDocument = Document(
  'Snapshot',
  SnapshotSpecAsWritten,
  'A snapshot of a declared volume, taken once and never again.',
  [fixedOnceRecorded('volume', 'snapshotID', 'the snapshot')],
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

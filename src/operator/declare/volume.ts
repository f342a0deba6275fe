import Type from 'typebox'
import { Capacity, readCapacity } from './capacity.ts'
import { createCheck } from './compiled-check.ts'
import { Detach } from './detach.ts'
import { apiVersion, Document, findReserved } from './document.ts'
import { explainFaults, type Hints, type Reading } from './explain-faults.ts'
import type { Fault } from './fault.ts'
import {
  ClusterName,
  CSIName,
  type DeepReadonly,
  fillDefaults,
  findLongName,
  Identifier,
  NomadNamespace,
  ObjectName,
  Parameters,
  Secrets,
  StringMap,
  Suspend,
  VolumeName,
  type WithSecrets,
} from './fields.ts'
import { type Origin, rules } from './kubernetes.ts'
import { withFaultsOfRules } from './mend-value.ts'
import { findMisplaced } from './misplaced.ts'
import { deletionPolicies, PerAlloc } from './per-alloc.ts'
import { clonesItself, contradictions, objectRules, specRules } from './volume-rules.ts'

/** The five access modes of CSI that Nomad knows. */
const accessModes = [
  'single-node-reader-only',
  'single-node-writer',
  'multi-node-reader-only',
  'multi-node-single-writer',
  'multi-node-multi-writer',
] as const
const attachmentModes = ['file-system', 'block-device'] as const
const driftPolicies = ['Correct', 'Report', 'Ignore'] as const

const Segments = (description: string) =>
  Type.Array(StringMap('One topology: a value for each topology key of the plugin, such as {rack: R1}.'), {
    maxItems: 64,
    description,
  })

const VolumeSpecAsWritten = Type.Object(
  {
    volumeID: Type.Optional(
      Type.String({
        maxLength: 253,
        // It is one segment of a URL's path, and Nomad decodes a path before it splits it.
        pattern: '^[A-Za-z0-9_~-][A-Za-z0-9._~:@+,=\\[\\]-]*$',
        patternErrorMessage:
          'cannot be a volume ID: it stands in URLs, so letters, digits and ._~:@+,=[]- only, and no "." first',
        description: "The volume's ID in Nomad, unique in its Nomad namespace. Default: metadata.name.",
      }),
    ),
    cluster: Type.Optional(ClusterName),
    namespace: Type.Optional(NomadNamespace),
    name: Type.Optional(
      CSIName(
        'Name that the plugin is given when it creates the volume, at most 128 bytes; no two volumes of a plugin may share one. Not given: made once from region, namespace and volume ID, and recorded. Not together with externalID.',
      ),
    ),
    pluginID: Type.String({
      maxLength: 253,
      pattern: '^[^/\\s\\x00-\\x1f\\x7f]+$',
      patternErrorMessage: 'is not a plugin ID: no "/" and no spaces',
      description:
        "ID of the CSI plugin that holds the volume, as Nomad knows it (not the driver's own name).",
    }),
    externalID: Type.Optional(
      Identifier(
        "The storage provider's ID of a volume that is already there: it is registered and never created. Not given: the volume is created.",
      ),
    ),
    source: Type.Optional(
      Type.Object(
        {
          snapshot: Type.Optional(
            ObjectName('metadata.name of a declared Snapshot of the same Nomad namespace.'),
          ),
          snapshotID: Type.Optional(Identifier("The storage provider's ID of a snapshot.")),
          volume: Type.Optional(
            VolumeName(
              'metadata.name of a declared Volume of the same Nomad namespace, to clone; of one with perAlloc name[0] and so on.',
            ),
          ),
          cloneID: Type.Optional(Identifier("The storage provider's ID of a volume to clone.")),
          latest: Type.Optional(
            Type.Object(
              {
                schedule: ObjectName('metadata.name of a SnapshotSchedule of the same Nomad namespace.'),
                volume: VolumeName(
                  'metadata.name of the volume that the schedule took snapshots of; of one with perAlloc name[0] and so on. It need not be declared any more, and may be this one.',
                ),
                orElse: Type.Optional(
                  Type.Enum(['Wait', 'Blank'], {
                    default: 'Wait',
                    description:
                      'What to do where the schedule never took a snapshot of the volume: wait for one, or create the volume blank.',
                  }),
                ),
              },
              {
                additionalProperties: false,
                description:
                  'The newest ready snapshot that a schedule took of a volume. Which one is decided once, when the volume is created, and recorded.',
              },
            ),
          ),
        },
        {
          additionalProperties: false,
          minProperties: 1,
          maxProperties: 1,
          description:
            'What the volume holds when it is created: exactly one of the fields. Of no effect once the volume is there.',
        },
      ),
    ),
    capacity: Type.Optional(Capacity),
    capabilities: Type.Array(
      Type.Object(
        {
          accessMode: Type.Enum([...accessModes], {
            description: 'From how many nodes, and how, it may be used at once.',
          }),
          attachmentMode: Type.Enum([...attachmentModes], {
            description: 'Whether a task sees a file system or a block device.',
          }),
        },
        { additionalProperties: false, description: 'One way in which the volume may be used.' },
      ),
      {
        minItems: 1,
        maxItems: accessModes.length * attachmentModes.length,
        uniqueItems: true,
        description: 'The ways in which the volume may be used, at least one.',
      },
    ),
    mountOptions: Type.Optional(
      Type.Object(
        {
          fsType: Type.Optional(Identifier('File system to mount, such as ext4.', 128)),
          mountFlags: Type.Optional(
            Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), {
              maxItems: 64,
              description:
                'Flags of the mount, such as noatime. Not given: the flags that Nomad holds are left as they are; [] says that there are none.',
            }),
          ),
        },
        {
          additionalProperties: false,
          description: 'How the volume is mounted, for the attachment mode file-system.',
        },
      ),
    ),
    topology: Type.Optional(
      Type.Object(
        {
          required: Type.Optional(Segments('The volume is reachable from at least one of these.')),
          preferred: Type.Optional(Segments('The plugin tries these first, in this order.')),
        },
        { additionalProperties: false, description: 'Where the volume has to be reachable from.' },
      ),
    ),
    parameters: Type.Optional(Parameters('the creation of the volume')),
    context: Type.Optional(
      StringMap(
        "The plugin's context of a volume that is registered (with externalID). A created volume has the context that the plugin answers.",
      ),
    ),
    secrets: Type.Optional(Secrets),
    deletionPolicy: Type.Optional(
      Type.Enum([...deletionPolicies], {
        default: 'Retain',
        description:
          'What the end of this declaration does. Retain: nothing. Deregister: Nomad forgets the volume, its data stay. Delete: the volume and its data are deleted.',
      }),
    ),
    finalSnapshot: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          'With deletionPolicy Delete: before the volume is deleted a last snapshot is taken of it, which stays.',
      }),
    ),
    driftPolicy: Type.Optional(
      Type.Enum([...driftPolicies], {
        default: 'Correct',
        description:
          'What to do where somebody else changes the volume after it was as declared. Correct: put it back. Report: say so, and change nothing. Ignore: pass over it.',
      }),
    ),
    perAlloc: Type.Optional(PerAlloc),
    detach: Type.Optional(Detach),
    suspend: Type.Optional(Suspend),
  },
  { additionalProperties: false, description: 'The volume as it should be.', ...rules(...specRules) },
)

/** The schema of the document as a person writes it. */
export const VolumeDocument = Document(
  'Volume',
  VolumeSpecAsWritten,
  'A CSI volume of Nomad: created by its plugin, or registered where it is already there.',
  objectRules,
)

type VolumeSpecAsWritten = Type.Static<typeof VolumeSpecAsWritten>
type Defaulted = 'deletionPolicy' | 'finalSnapshot' | 'driftPolicy' | 'suspend'

/** A volume's spec with its defaults filled in and its capacities in bytes. */
export type VolumeSpec = DeepReadonly<
  Omit<VolumeSpecAsWritten, Defaulted | 'capacity' | 'secrets' | 'perAlloc' | 'detach'> &
    Required<Pick<VolumeSpecAsWritten, Defaulted | 'volumeID' | 'namespace'>> &
    WithSecrets & {
      capacity?: { min?: bigint; max?: bigint }
      perAlloc?: Required<NonNullable<VolumeSpecAsWritten['perAlloc']>>
      detach?: Required<NonNullable<VolumeSpecAsWritten['detach']>>
    }
>

/** Fields of other tools, and what to write here. */
const hints: Hints = {
  'spec.id': 'write it as volumeID',
  'spec.type': 'remove it: every declared volume is a CSI volume',
  'spec.capability': 'write a list of them as capabilities',
  'spec.capacityMin': 'write it as capacity: {min: …}',
  'spec.capacityMax': 'write it as capacity: {max: …}',
  'spec.snapshotID': 'write it as source: {snapshotID: …}',
  'spec.cloneID': 'write it as source: {cloneID: …}',
  'spec.topologyRequest': 'write it as topology: {required: […], preferred: […]}',
}

const isDocument = createCheck(VolumeDocument)

/**
 * Reads a Volume document.
 * @param value the document's value, without nulls
 * @param namespace the Nomad namespace where the document names none
 */
export function readVolume(value: unknown, namespace: string, origin: Origin = 'file'): Reading<VolumeSpec> {
  const rules = (document: Type.Static<typeof VolumeDocument>) => findFaults(document, origin)
  if (!isDocument(value)) {
    const faults = explainFaults(VolumeDocument, value, hints)
    return { faults: withFaultsOfRules(VolumeDocument, value, sample, faults, rules) }
  }
  const { metadata, spec: written } = value
  const { capacity: writtenCapacity, perAlloc, detach, ...rest } = written
  const faults = rules(value)
  if (faults.length > 0) return { faults }
  const { capacity } = readCapacity(writtenCapacity ?? {})
  return {
    name: metadata.name,
    labels: metadata.labels ?? {},
    spec: {
      ...fillDefaults<typeof rest, Defaulted>(VolumeSpecAsWritten, rest),
      volumeID: written.volumeID ?? metadata.name,
      namespace: written.namespace ?? namespace,
      ...(Object.keys(capacity).length > 0 && { capacity }),
      ...(perAlloc && { perAlloc: fillDefaults<typeof perAlloc, 'whenScaled'>(PerAlloc, perAlloc) }),
      ...(detach && { detach: { nodes: [], ...fillDefaults<typeof detach, 'policy'>(Detach, detach) } }),
    },
  }
}

/** Stands for what is missing, while the rest is checked. */
const sample: Type.Static<typeof VolumeDocument> = {
  apiVersion,
  kind: 'Volume',
  metadata: { name: 'sample' },
  spec: {
    pluginID: 'sample',
    capabilities: [{ accessMode: 'single-node-writer', attachmentMode: 'file-system' }],
  },
}

/** What is wrong with a document of the right shape. */
function findFaults({ metadata, spec }: Type.Static<typeof VolumeDocument>, origin: Origin): Fault[] {
  return [
    ...readCapacity(spec.capacity ?? {}).faults,
    ...findReserved(metadata),
    ...findMisplaced(spec, origin),
    ...findContradictions(metadata.name, spec, origin),
  ]
}

/** Fields that are each right and make no sense together. */
function findContradictions(metadataName: string, spec: VolumeSpecAsWritten, origin: Origin): Fault[] {
  const faults = contradictions
    .filter(({ isForObjects, isBroken }) => (origin === 'object' || isForObjects !== true) && isBroken(spec))
    .map(({ field, message }) => ({ path: ['spec', ...(field === undefined ? [] : [field])], message }))
  if (spec.source?.volume?.replace(/\[\d+\]$/, '') === metadataName) {
    faults.push({ path: ['spec', 'source', 'volume'], message: clonesItself })
  }
  return [...findLongName(spec.name), ...faults]
}

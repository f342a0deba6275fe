import Type from 'typebox'
import { Capacity, readCapacity } from './capacity.ts'
import { createCheck } from './compiled-check.ts'
import { apiVersion, Document, findReserved } from './document.ts'
import { explainFaults, type Hints, type Reading } from './explain-faults.ts'
import {
  ClusterName,
  type DeepReadonly,
  fillDefaults,
  Identifier,
  NomadNamespace,
  Parameters,
  Suspend,
} from './fields.ts'
import { fixedField, fixedHostVolumeName, type Origin, rules } from './kubernetes.ts'
import { withFaultsOfRules } from './mend-value.ts'
import { findMisplaced } from './misplaced.ts'

/** The access modes that Nomad has for host volumes. */
const accessModes = [
  'single-node-reader-only',
  'single-node-writer',
  'single-node-single-writer',
  'single-node-multi-writer',
] as const
const attachmentModes = ['file-system', 'block-device'] as const

const Placement = Type.Object(
  {
    nodePool: Type.Optional(
      Identifier(
        'Node pool of Nomad in which a node is chosen. Not given: with node, the pool of that node; else "default".',
        128,
      ),
    ),
    node: Type.Optional(
      Identifier(
        'The node that the volume is on, by its ID or its name. Not given: Mooring chooses one.',
        253,
      ),
    ),
    nodes: Type.Optional(
      Type.String({
        default: 'One',
        maxLength: 32,
        pattern: '^One$',
        patternErrorMessage:
          'is not supported by this release, which makes one volume for each declaration: write One, and declare a HostVolume for each further node, each with a name of its own',
        description: 'On how many nodes there is such a volume. This release knows One.',
      }),
    ),
  },
  {
    additionalProperties: false,
    description: 'Where the volume is created. A volume that is there already stays on its node.',
  },
)

const HostVolumeSpecAsWritten = Type.Object(
  {
    name: Type.Optional(
      Type.String({
        maxLength: 253,
        pattern: '^[A-Za-z0-9_~-][A-Za-z0-9._~:@+,=\\[\\]-]*$',
        patternErrorMessage:
          'cannot be the name of a host volume here: letters, digits and ._~:@+,=[]- only, and no "." first',
        description:
          'Name of the volume in Nomad, which jobs give as source. Default: metadata.name. One declaration in a Nomad namespace may have it.',
      }),
    ),
    cluster: Type.Optional(ClusterName),
    namespace: Type.Optional(NomadNamespace),
    pluginID: Type.Optional(
      Type.String({
        default: 'mkdir',
        maxLength: 253,
        pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$',
        patternErrorMessage:
          'is not the ID of a host volume plugin: letters, digits, ".", "_" and "-", beginning with a letter or digit',
        description:
          'ID of the host volume plugin that makes the volume: mkdir, which Nomad has built in, or an executable in the host_volume_plugin_dir of its clients.',
      }),
    ),
    placement: Type.Optional(Placement),
    capacity: Type.Optional(Capacity),
    capabilities: Type.Optional(
      Type.Array(
        Type.Object(
          {
            accessMode: Type.Enum([...accessModes], { description: 'How allocations may use it at once.' }),
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
          description:
            'The ways in which the volume may be used. Not given: a new volume has single-node-writer with file-system.',
        },
      ),
    ),
    parameters: Type.Optional(Parameters('the creation of the volume')),
    deletionPolicy: Type.Optional(
      Type.Enum(['Retain', 'Delete'], {
        default: 'Retain',
        description:
          'What the end of this declaration does. Retain: nothing. Delete: the volume and its data are deleted. Nomad cannot forget a volume and leave its data.',
      }),
    ),
    suspend: Type.Optional(Suspend),
  },
  {
    additionalProperties: false,
    description: 'The volume as it should be.',
    ...rules(fixedField('cluster'), fixedField('namespace')),
  },
)

/** The schema of the document as a person writes it. */
export const HostVolumeDocument = Document(
  'HostVolume',
  HostVolumeSpecAsWritten,
  'A dynamic host volume of Nomad: a folder or a disk of one node, made by a plugin on that node.',
  [fixedHostVolumeName],
)

type HostVolumeSpecAsWritten = Type.Static<typeof HostVolumeSpecAsWritten>
type Defaulted = 'pluginID' | 'deletionPolicy' | 'suspend'

/** A host volume's spec with its defaults filled in and its capacities in bytes. */
export type HostVolumeSpec = DeepReadonly<
  Omit<HostVolumeSpecAsWritten, Defaulted | 'capacity' | 'placement'> &
    Required<Pick<HostVolumeSpecAsWritten, Defaulted | 'name' | 'namespace'>> & {
      capacity?: { min?: bigint; max?: bigint }
      placement: { nodePool?: string; node?: string }
    }
>

/** Fields of Nomad's own specification, and what to write here. */
const hints: Hints = {
  'spec.id': 'remove it: Nomad chooses the ID of a host volume',
  'spec.type': 'remove it: the kind says it',
  'spec.volumeID': 'write the name that jobs give as source as name; Nomad chooses the ID',
  'spec.nodePool': 'write it as placement: {nodePool: …}',
  'spec.nodeID': 'write it as placement: {node: …}',
  'spec.node': 'write it as placement: {node: …}',
  'spec.capability': 'write a list of them as capabilities',
  'spec.capacityMin': 'write it as capacity: {min: …}',
  'spec.capacityMax': 'write it as capacity: {max: …}',
  'spec.hostPath':
    'remove it: this release creates host volumes and adopts those of Nomad, and registers no folder',
  'spec.constraints': 'write placement: {nodePool: …} or {node: …}: this release knows no constraints',
  'spec.placement.constraints': 'write nodePool or node: this release knows no constraints',
  'spec.placement.count': 'remove it: this release makes one volume for each declaration',
  'spec.placement.nodeID': 'write it as node',
}

/** Stands for what is missing, while the rest is checked. */
const sample: Type.Static<typeof HostVolumeDocument> = {
  apiVersion,
  kind: 'HostVolume',
  metadata: { name: 'sample' },
  spec: {},
}

const isDocument = createCheck(HostVolumeDocument)

/**
 * Reads a HostVolume document.
 * @param value the document's value, without nulls
 * @param namespace the Nomad namespace where the document names none
 */
export function readHostVolume(
  value: unknown,
  namespace: string,
  origin: Origin = 'file',
): Reading<HostVolumeSpec> {
  const rules = ({ metadata, spec }: Type.Static<typeof HostVolumeDocument>) => [
    ...readCapacity(spec.capacity ?? {}).faults,
    ...findReserved(metadata),
    ...findMisplaced(spec, origin),
  ]
  if (!isDocument(value)) {
    const faults = explainFaults(HostVolumeDocument, value, hints)
    return { faults: withFaultsOfRules(HostVolumeDocument, value, sample, faults, rules) }
  }
  const { metadata, spec } = value
  const faults = rules(value)
  if (faults.length > 0) return { faults }
  const { capacity: writtenCapacity, placement, ...rest } = spec
  const { capacity } = readCapacity(writtenCapacity ?? {})
  const { nodes: _, ...where } = placement ?? {}
  return {
    name: metadata.name,
    labels: metadata.labels ?? {},
    spec: {
      ...fillDefaults<typeof rest, Defaulted>(HostVolumeSpecAsWritten, rest),
      name: spec.name ?? metadata.name,
      namespace: spec.namespace ?? namespace,
      ...(Object.keys(capacity).length > 0 && { capacity }),
      placement: where,
    },
  }
}

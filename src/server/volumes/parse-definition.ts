import {
  type AccessMode,
  type AttachmentMode,
  accessModes,
  attachmentModes,
  type Capability,
} from '../../wire/volume.ts'
import { badRequest } from '../errors.ts'
import type { CapabilityRecord, StringMap, VolumeDefinition } from '../state/records.ts'
import { parseTopologies, type VolumeBody } from './request-body.ts'

/** IDs up to this many bytes pass, so that they fit a URL with every byte encoded. */
const longestIDBytes = 1024

/** A definition, and which of the fields that an update keeps when they are not said were said. */
export interface ParsedDefinition {
  readonly definition: VolumeDefinition
  readonly said: {
    readonly capacity: boolean
    readonly topologies: boolean
    readonly secrets: boolean
  }
  /** `Topologies` of the body: where a registered volume can be reached, or one that is made has to be. */
  readonly topologies: readonly StringMap[]
}

/**
 * Checks one volume of a body and fills in its defaults. All faults are named together, in Nomad's words.
 * @throws ApiError 400
 */
export function parseDefinition(body: VolumeBody): ParsedDefinition {
  const faults: string[] = []
  if (body.ID === '') faults.push('missing volume id')
  if (Buffer.byteLength(body.ID) > longestIDBytes)
    faults.push(`volume id is longer than ${longestIDBytes} bytes`)
  if (body.PluginID === '') faults.push('missing plugin id')
  if (body.SnapshotID && body.CloneID) faults.push('only one of snapshot_id and clone_id is allowed')
  const requestedCapabilities = (body.RequestedCapabilities ?? []).flatMap((capability) =>
    parseCapability(capability, faults),
  )
  if (!body.RequestedCapabilities?.length) faults.push('must include at least one capability block')
  const min = body.RequestedCapacityMin ?? 0
  const max = body.RequestedCapacityMax ?? 0
  if (min < 0 || max < 0) faults.push('requested capacity cannot be negative')
  if (max > 0 && max < min) faults.push('LimitBytes cannot be less than RequiredBytes')
  if (faults.length > 0) throw badRequest(`validation: ${faults.join(', ')}`)

  const requested = body.RequestedTopologies
  return {
    definition: {
      namespace: body.Namespace,
      id: body.ID,
      name: body.Name ?? '',
      externalID: body.ExternalID ?? '',
      pluginID: body.PluginID,
      cloneID: body.CloneID ?? '',
      snapshotID: body.SnapshotID ?? '',
      requestedCapabilities,
      requestedCapacityMin: min,
      requestedCapacityMax: max,
      requestedTopologies: {
        required: parseTopologies(requested?.Required, 'required'),
        preferred: parseTopologies(requested?.Preferred, 'preferred'),
      },
      mountOptions: {
        fsType: body.MountOptions?.FSType ?? '',
        mountFlags: body.MountOptions?.MountFlags ?? [],
      },
      parameters: body.Parameters ?? {},
      context: body.Context ?? {},
      secrets: body.Secrets ?? {},
    },
    said: {
      capacity: min !== 0 || max !== 0,
      topologies: Boolean(requested?.Required?.length || requested?.Preferred?.length),
      secrets: body.Secrets !== undefined,
    },
    topologies: parseTopologies(body.Topologies, 'Topologies'),
  }
}

function parseCapability({ AccessMode, AttachmentMode }: Capability, faults: string[]): CapabilityRecord[] {
  const accessMode = accessModes.find((mode) => mode === AccessMode)
  const attachmentMode = attachmentModes.find((mode) => mode === AttachmentMode)
  if (accessMode === undefined) faults.push(unknownMode('access', AccessMode, accessModes))
  if (attachmentMode === undefined) faults.push(unknownMode('attachment', AttachmentMode, attachmentModes))
  return accessMode && attachmentMode ? [{ accessMode, attachmentMode }] : []
}

const unknownMode = (which: string, mode: string, known: readonly (AccessMode | AttachmentMode)[]) =>
  `unknown volume ${which} mode: "${mode}" (one of ${known.join(', ')})`

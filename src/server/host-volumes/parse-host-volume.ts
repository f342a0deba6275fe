import Type from 'typebox'
import { operands } from '../../wire/feasible.ts'
import { type HostVolumeConstraint, HostVolumeRequest, hostAccessModes } from '../../wire/host-volume.ts'
import { attachmentModes } from '../../wire/volume.ts'
import { badRequest } from '../errors.ts'
import type { BodyReader } from '../http/api.ts'
import { readBody } from '../http/decode.ts'
import { parseNamespace } from '../http/read-options.ts'
import type { HostCapabilityRecord, HostVolumeDefinition } from '../state/records.ts'

/** The body of Create and Register Host Volume. */
export const HostVolumeBody = Type.Object({
  Volume: Type.Optional(Type.Union([HostVolumeRequest, Type.Null()])),
  PolicyOverride: Type.Optional(Type.Boolean()),
})

/** A definition as a body has it: what it leaves out is empty. */
export interface ParsedHostVolume {
  /** `''`: a new volume. */
  readonly id: string
  readonly definition: HostVolumeDefinition
  readonly capacityBytes: HostVolumeDefinition['requestedCapacityMinBytes']
  readonly hostPath: string
}

/** The volume of a body, with its namespace. A field that the body leaves out is undefined. */
export type NamedHostVolume = HostVolumeRequest & { readonly Namespace: string }

export const hostVolumeReader: BodyReader<NamedHostVolume> = {
  read(bytes, request) {
    const { Volume: body } = readBody(HostVolumeBody, bytes, request)
    if (body === undefined || body === null) throw badRequest('missing volume definition')
    return { ...body, Namespace: body.Namespace || parseNamespace(request.query) }
  },
  namespaces: ({ Namespace }) => [Namespace],
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const longestNameBytes = 1024

/** What a registered or created volume may be used for where the body says nothing. */
const defaultCapability: HostCapabilityRecord = {
  accessMode: 'single-node-writer',
  attachmentMode: 'file-system',
}

/** Checks a volume and fills in its defaults. All faults are named together, in Nomad's words. @throws ApiError 400 */
export function parseHostVolume(body: NamedHostVolume): ParsedHostVolume {
  const {
    ID: id = '',
    Name: name,
    RequestedCapacityMinBytes: min = 0,
    RequestedCapacityMaxBytes: max = 0,
  } = body
  const faults: string[] = []
  if (id !== '' && !uuid.test(id)) faults.push(`invalid ID ${JSON.stringify(id)}`)
  if (name === '') faults.push('missing name')
  if (Buffer.byteLength(name) > longestNameBytes) faults.push(`name is longer than ${longestNameBytes} bytes`)
  if (min < 0 || max < 0) faults.push('requested capacity cannot be negative')
  // As the page says; Nomad itself takes a maximum of 0 for less than any minimum.
  if (max !== 0 && max < min) {
    faults.push(`capacity_max (${max}) must be larger than capacity_min (${min})`)
  }
  const capabilities = (body.RequestedCapabilities ?? []).flatMap(({ AccessMode, AttachmentMode }) => {
    const accessMode = hostAccessModes.find((mode) => mode === AccessMode)
    const attachmentMode = attachmentModes.find((mode) => mode === AttachmentMode)
    if (attachmentMode === undefined)
      faults.push(`invalid attachment mode: ${JSON.stringify(AttachmentMode)}`)
    if (accessMode === undefined) faults.push(`invalid access mode: ${JSON.stringify(AccessMode)}`)
    return accessMode && attachmentMode ? [{ accessMode, attachmentMode }] : []
  })
  const constraints = (body.Constraints ?? []).map((constraint) => checkConstraint(constraint, faults))
  if (faults.length > 0) throw badRequest(`volume validation failed: ${faults.join(', ')}`)
  return {
    id: id.toLowerCase(),
    definition: {
      namespace: body.Namespace,
      name,
      pluginID: body.PluginID ?? '',
      nodePool: body.NodePool ?? '',
      nodeID: body.NodeID ?? '',
      constraints,
      requestedCapacityMinBytes: min,
      requestedCapacityMaxBytes: max,
      requestedCapabilities: capabilities.length === 0 ? [defaultCapability] : capabilities,
      parameters: body.Parameters ?? {},
    },
    capacityBytes: body.CapacityBytes ?? 0,
    hostPath: body.HostPath ?? '',
  }
}

function checkConstraint(constraint: HostVolumeConstraint, faults: string[]): HostVolumeConstraint {
  const { Operand: operand } = constraint
  if (operand === 'distinct_hosts' || operand === 'distinct_property') {
    faults.push(`invalid constraint ${operand}: host volumes of the same name are always on distinct hosts`)
  } else if (!operands.has(operand)) {
    faults.push(
      `invalid constraint: this server knows no operand ${JSON.stringify(operand)}, only ${[...operands.keys()].join(', ')}`,
    )
  }
  return constraint
}

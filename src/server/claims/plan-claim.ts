import type { AccessMode, AttachmentMode } from '../../wire/volume.ts'
import { describeRecord } from '../state/external-volume.ts'
import type { CapabilityRecord, ClaimMode, ClaimRecord, VolumeRecord } from '../state/records.ts'

export interface ClaimWish {
  readonly mode: ClaimMode
  /** `''`: whichever of the volume's capabilities serves. */
  readonly accessMode: AccessMode | ''
  readonly attachmentMode: AttachmentMode | ''
}

export type ClaimPlan =
  | { readonly type: 'grant'; readonly capability: CapabilityRecord }
  | { readonly type: 'refuse'; readonly reason: string }

/**
 * Whether one more claim is possible, and by which of the volume's requested capabilities. A claimed volume keeps its
 * current pair of modes; otherwise the first pair that fits is taken. A claim whose allocation has ended counts until
 * it is freed, because the volume may still be published for it.
 * @param claims on the external volume, by whichever record
 */
export function planClaim(volume: VolumeRecord, claims: readonly ClaimRecord[], wish: ClaimWish): ClaimPlan {
  const [current] = claims
  const fits = volume.requestedCapabilities.filter(
    ({ accessMode, attachmentMode }) =>
      (wish.accessMode === '' || wish.accessMode === accessMode) &&
      (wish.attachmentMode === '' || wish.attachmentMode === attachmentMode),
  )
  if (fits.length === 0) {
    return { type: 'refuse', reason: 'the volume was not defined with the capability that is asked for' }
  }
  const usable = fits.filter(
    ({ accessMode, attachmentMode }) =>
      current === undefined ||
      (current.accessMode === accessMode && current.attachmentMode === attachmentMode),
  )
  const capability = usable.find(({ accessMode }) => isFree(accessMode, claims, wish.mode))
  if (capability !== undefined) return { type: 'grant', capability }
  const isServed = usable.some(({ accessMode }) => isFree(accessMode, [], wish.mode))
  if (usable.length > 0 && !isServed) {
    return { type: 'refuse', reason: `no capability of the volume allows a ${wish.mode} claim` }
  }
  return {
    type: 'refuse',
    reason: `volume max claims reached: held by ${claims.map((claim) => describeClaim(claim, volume)).join(', ')}`,
  }
}

function describeClaim({ id, volumeID, namespace }: ClaimRecord, volume: VolumeRecord): string {
  const isOwn = volumeID === volume.id && namespace === volume.namespace
  return isOwn ? id : `${id} by way of ${describeRecord({ id: volumeID, namespace })}`
}

/** Nomad's table of free claims (ReadSchedulable and WriteFreeClaims in nomad/structs/csi.go). */
function isFree(accessMode: AccessMode, claims: readonly ClaimRecord[], mode: ClaimMode): boolean {
  const writers = claims.filter((claim) => claim.mode === 'write').length
  switch (accessMode) {
    case 'single-node-reader-only':
      return mode === 'read' && claims.length === 0
    case 'single-node-writer':
      return mode === 'read' ? claims.length === 0 : writers === 0
    case 'multi-node-reader-only':
      return mode === 'read'
    case 'multi-node-single-writer':
      return mode === 'read' || writers === 0
    case 'multi-node-multi-writer':
      return true
  }
}

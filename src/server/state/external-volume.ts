import { contextsMayAgree } from '../../lib/contexts-may-agree.ts'
import { claimsOf } from './claims-of.ts'
import { type ClaimRecord, type Handle, handleOf, type VolumeRecord } from './records.ts'
import type { State } from './state.ts'

type Tables = Pick<State, 'csi_volumes' | 'csi_claims'>
/**
 * The records that name a volume's external ID at its plugin, the volume's own among them. ControllerUnpublish,
 * Delete and Expand carry nothing but this ID, so each of these records feels them.
 */
export const recordsOfHandle = ({ csi_volumes: volumes }: Tables, volume: Handle): readonly VolumeRecord[] =>
  volumes.group(handleOf(volume))

/**
 * The records that may name the same external volume, the volume's own among them. Records of one external ID
 * whose contexts differ name different ones: registered NFS volumes share IDs, and the context has the share.
 * A record without a context may name any of them.
 */
export const recordsOfExternal = (tables: Tables, volume: VolumeRecord): readonly VolumeRecord[] =>
  recordsOfHandle(tables, volume).filter((other) => contextsMayAgree(other.context, volume.context))

/** The claims on an external volume, by whichever record they were taken. */
export const claimsOfExternal = (tables: Tables, volume: VolumeRecord): readonly ClaimRecord[] =>
  recordsOfExternal(tables, volume).flatMap((record) => claimsOf(tables, record))

/** The claims that a call with a volume's external ID and no context can hurt. */
export const claimsOfHandle = (tables: Tables, volume: Handle): readonly ClaimRecord[] =>
  recordsOfHandle(tables, volume).flatMap((record) => claimsOf(tables, record))

/** How a record is named in messages that are about another record. */
export const describeRecord = ({ id, namespace }: Pick<VolumeRecord, 'id' | 'namespace'>) =>
  `"${id}" in namespace ${namespace}`

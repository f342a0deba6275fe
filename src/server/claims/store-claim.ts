import { type ClaimRecord, volumeKey } from '../state/records.ts'
import type { State, Transaction } from '../state/state.ts'

/** A claim without what its storing fills in. */
export type NewClaim = Omit<ClaimRecord, 'createIndex' | 'modifyIndex' | 'createTimeMs' | 'modifyTimeMs'>

/** Stores a claim, new or changed, and marks its volume as changed: readers see claims on their volume. */
export function storeClaim(state: State, claim: NewClaim): ClaimRecord {
  const before = state.csi_claims.get(claim.id)
  let stored: ClaimRecord | undefined
  state.write((transaction) => {
    stored = {
      ...claim,
      createIndex: before?.createIndex ?? transaction.index,
      createTimeMs: before?.createTimeMs ?? transaction.nowMs,
      modifyIndex: transaction.index,
      modifyTimeMs: transaction.nowMs,
    }
    transaction.put('csi_claims', stored)
    touchVolume(state, transaction, claim)
  })
  if (stored === undefined) throw new Error('the write did not run')
  return stored
}

export function removeClaim(state: State, claim: ClaimRecord): void {
  state.write((transaction) => {
    transaction.remove('csi_claims', claim.id)
    touchVolume(state, transaction, claim)
  })
}

function touchVolume(state: State, { put, index, nowMs }: Transaction, claim: NewClaim) {
  const volume = state.csi_volumes.get(volumeKey(claim.namespace, claim.volumeID))
  if (volume !== undefined) put('csi_volumes', { ...volume, modifyIndex: index, modifyTimeMs: nowMs })
}

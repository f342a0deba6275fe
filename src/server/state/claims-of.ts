import type { ClaimRecord } from './records.ts'
import type { State } from './state.ts'

/** The claims on one volume, in the order of their IDs: the table has them side by side. */
export function claimsOf(
  { csi_claims: claims }: Pick<State, 'csi_claims'>,
  { namespace, id }: { readonly namespace: string; readonly id: string },
): readonly ClaimRecord[] {
  const all = claims.list()
  const isOurs = (claim: ClaimRecord | undefined) => claim?.namespace === namespace && claim.volumeID === id
  const start = claims.position({ namespace, volumeID: id, id: '' })
  let end = start
  while (isOurs(all[end])) end++
  return all.slice(start, end)
}

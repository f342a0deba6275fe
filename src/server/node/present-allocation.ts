import type { AllocationStub } from '../../wire/volume.ts'
import { type ClaimRecord, isLive } from '../state/records.ts'
import { unixNanoseconds } from '../times.ts'
import type { NodeIdentity } from './node-identity.ts'

/** A claim as the allocation that Nomad's clients know: its volume is the name of its job. */
export function presentAllocation(claim: ClaimRecord, { name }: NodeIdentity): AllocationStub {
  return {
    ID: claim.id,
    EvalID: '',
    Name: `${claim.volumeID}.mount[0]`,
    Namespace: claim.namespace,
    NodeID: claim.nodeID,
    NodeName: name,
    JobID: claim.volumeID,
    JobType: 'service',
    JobVersion: 0,
    TaskGroup: 'mount',
    DesiredStatus: isLive(claim) ? 'run' : 'stop',
    DesiredDescription: '',
    ClientStatus: claim.clientStatus,
    ClientDescription: claim.clientDescription,
    TaskStates: {},
    CreateIndex: claim.createIndex,
    ModifyIndex: claim.modifyIndex,
    CreateTime: unixNanoseconds(claim.createTimeMs),
    ModifyTime: unixNanoseconds(claim.modifyTimeMs),
  }
}

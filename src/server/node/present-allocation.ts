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

/**
 * What Read Allocation answers: the stub, and the job that the nomad CLI takes for granted, with the volume that
 * its one task group would ask for.
 */
export function presentAllocationWithJob(claim: ClaimRecord, node: NodeIdentity) {
  const stub = presentAllocation(claim, node)
  return {
    ...stub,
    Job: {
      ID: claim.volumeID,
      Name: claim.volumeID,
      Namespace: claim.namespace,
      Region: node.region,
      Datacenters: [node.datacenter],
      Type: 'service',
      Priority: 50,
      Status: isLive(claim) ? 'running' : 'dead',
      Version: 0,
      TaskGroups: [
        {
          Name: 'mount',
          Count: 1,
          Tasks: [],
          Volumes: {
            [claim.volumeID]: {
              Name: claim.volumeID,
              Type: 'csi',
              Source: claim.volumeID,
              ReadOnly: claim.mode === 'read',
              AccessMode: claim.accessMode,
              AttachmentMode: claim.attachmentMode,
            },
          },
        },
      ],
    },
    Resources: { CPU: 0, MemoryMB: 0, DiskMB: 0 },
    // Nobody placed it; nomad alloc status -verbose takes these for granted.
    Metrics: {
      NodesEvaluated: 1,
      NodesFiltered: 0,
      NodesInPool: 1,
      NodesAvailable: { [node.datacenter]: 1 },
      NodesExhausted: 0,
      AllocationTime: 0,
      CoalescedFailures: 0,
      ScoreMetaData: [],
    },
  }
}

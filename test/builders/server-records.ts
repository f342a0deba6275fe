import type { ClaimRecord, VolumeRecord } from '../../src/server/state/records.ts'

/** A volume of the server's state, and what matters of it. */
export const volumeRecord = (fields: Partial<VolumeRecord> = {}): VolumeRecord => ({
  namespace: 'default',
  id: 'v1',
  name: 'v1',
  externalID: 'ext-v1',
  pluginID: 'disk',
  cloneID: '',
  snapshotID: '',
  requestedCapabilities: [{ accessMode: 'single-node-writer', attachmentMode: 'file-system' }],
  requestedCapacityMin: 0,
  requestedCapacityMax: 0,
  requestedTopologies: { required: [], preferred: [] },
  mountOptions: { fsType: '', mountFlags: [] },
  parameters: {},
  context: {},
  secrets: {},
  capacity: 0,
  topologies: [],
  resourceExhaustedMs: 0,
  createIndex: 1,
  modifyIndex: 1,
  createTimeMs: 1,
  modifyTimeMs: 1,
  ...fields,
})

/** A claim of the server's state, and what matters of it. */
export const claimRecord = (fields: Partial<ClaimRecord> = {}): ClaimRecord => ({
  id: 'c1',
  namespace: 'default',
  volumeID: 'v1',
  nodeID: 'n1',
  mode: 'write',
  clientStatus: 'running',
  clientDescription: '',
  phase: 'published',
  targetPath: '/mnt/v1',
  stagingPath: '',
  accessMode: 'single-node-writer',
  attachmentMode: 'file-system',
  createIndex: 1,
  modifyIndex: 1,
  createTimeMs: 1,
  modifyTimeMs: 1,
  ...fields,
})

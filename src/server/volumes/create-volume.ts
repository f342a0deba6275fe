import { status } from '@grpc/grpc-js'
import type { Volume__Output } from '../../csi/generated/csi/v1/Volume.ts'
import { PluginError } from '../../csi/plugin-error.ts'
import { toInt64 } from '../../csi/present.ts'
import type { ServerContext } from '../context.ts'
import { ApiError, conflict } from '../errors.ts'
import { type Asker, leavesOpen, mayStillHappen, pluginFailure } from '../plugins/plugin-failure.ts'
import { describeRecord, recordsOfHandle } from '../state/external-volume.ts'
import { type VolumeDefinition, type VolumeRecord, volumeKey } from '../state/records.ts'
import { toCreateVolumeRequest } from './csi-requests.ts'

/**
 * Creates the external volume of a definition and stores its record. The intent is stored first, so that a
 * create that was begun is finished after a crash by replaying the same request, never undone: by the
 * idempotency of names what a delete would hit may be somebody's old data. Called with an intent already
 * stored, it replays. The volume's lock is held by the caller.
 *
 * When it fails and the intent is still stored, the call may yet be carried out: replay it later.
 * @throws ApiError
 */
export async function createVolume(
  { state, plugins, clock }: ServerContext,
  definition: VolumeDefinition,
  asker: Asker,
): Promise<VolumeRecord> {
  const key = volumeKey(definition.namespace, definition.id)
  const { record, client, call } = plugins.live(definition.pluginID)
  const isReplay = state.csi_creates.get(key) !== undefined
  if (!isReplay) state.write(({ put }) => put('csi_creates', { definition, startedMs: clock.now() }))
  const dropIntent = () => state.write(({ remove }) => remove('csi_creates', key))

  let created: Volume__Output | null
  try {
    const request = toCreateVolumeRequest(definition, record.requiresTopologies)
    created = (await client.createVolume(request, call)).volume
  } catch (error) {
    const unsettled = isReplay
      ? !(error instanceof PluginError) || leavesOpen(error, asker)
      : mayStillHappen(error)
    if (!unsettled) dropIntent()
    throw pluginFailure(error, createWording(definition))
  }
  if (created === null || created.volumeId === '') {
    dropIntent()
    throw new ApiError(502, `controller create volume: plugin ${definition.pluginID} answered no volume_id`)
  }
  const externalID = created.volumeId
  const [holder] = recordsOfHandle(state, { pluginID: definition.pluginID, externalID })
  if (holder !== undefined) {
    dropIntent()
    throw conflict(
      `volume "${definition.id}": the name "${definition.name}" belongs to external volume ${externalID}, which is registered as ${describeRecord(holder)}`,
    )
  }
  return storeCreated(state, definition, created, key)
}

function storeCreated(
  state: ServerContext['state'],
  definition: VolumeDefinition,
  created: Volume__Output,
  key: string,
): VolumeRecord {
  let stored: VolumeRecord | undefined
  state.write(({ put, remove, index, nowMs }) => {
    stored = {
      ...definition,
      externalID: created.volumeId,
      capacity: toInt64(created.capacityBytes),
      context: created.volumeContext,
      topologies: created.accessibleTopology.map(({ segments }) => segments),
      resourceExhaustedMs: 0,
      createIndex: index,
      modifyIndex: index,
      createTimeMs: nowMs,
      modifyTimeMs: nowMs,
    }
    put('csi_volumes', stored)
    remove('csi_creates', key)
  })
  if (stored === undefined) throw new Error('the write did not run')
  return stored
}

function createWording({ name, snapshotID, cloneID }: VolumeDefinition) {
  const source = snapshotID ? ` from snapshot "${snapshotID}"` : cloneID ? ` from volume "${cloneID}"` : ''
  return {
    operation: 'controller create volume: CSI.ControllerCreateVolume',
    meanings: {
      // Nomad blames the source for every refusal. The plugin's own words say what is wrong.
      [status.INVALID_ARGUMENT]: `the plugin refuses volume "${name}"${source}`,
      [status.NOT_FOUND]: `volume "${name}" content source ${snapshotID || cloneID} does not exist`,
      [status.ALREADY_EXISTS]: `volume "${name}" already exists but is incompatible with these parameters`,
      [status.RESOURCE_EXHAUSTED]: `unable to provision "${name}" in accessible_topology`,
      [status.OUT_OF_RANGE]: `unsupported capacity_range for volume "${name}"`,
      [status.INTERNAL]:
        "controller plugin returned an internal error, check the plugin's log for more information",
    },
  }
}

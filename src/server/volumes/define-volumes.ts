import { isDeepStrictEqual } from 'node:util'
import type { ServerContext } from '../context.ts'
import { badRequest, conflict, unprocessable } from '../errors.ts'
import { holdVolumes } from '../hold-volumes.ts'
import { recordsOfExternal } from '../state/external-volume.ts'
import { type VolumeDefinition, type VolumeRecord, volumeKey } from '../state/records.ts'
import { createVolume } from './create-volume.ts'
import { type ParsedDefinition, parseDefinition } from './parse-definition.ts'
import { redactedFlags } from './plan-update.ts'
import type { Replays } from './replays.ts'
import type { VolumeBody } from './request-body.ts'
import { expandForUpdate, requireUpdate } from './update-volume.ts'
import { capacityAtPlugin, validateAtPlugin } from './validate-at-plugin.ts'

const keyOf = ({ definition }: ParsedDefinition) => volumeKey(definition.namespace, definition.id)

/**
 * Register: records external volumes that exist, or updates records, all of them in one write. The volumes
 * as they are then. @throws ApiError
 */
export async function registerVolumes(
  context: ServerContext,
  bodies: readonly VolumeBody[],
): Promise<VolumeRecord[]> {
  const { state, plugins } = context
  const parsed = bodies.map(parseDefinition)
  return await holdVolumes(
    context,
    parsed.map(({ definition }) => definition),
    async () => {
      const unchanged: VolumeRecord[] = []
      const planned: VolumeRecord[] = []
      for (const item of parsed) {
        const { definition } = item
        requireNamespace(context, definition.namespace, definition.id)
        const existing = state.csi_volumes.get(keyOf(item))
        const update = existing && requireUpdate(context, existing, item)
        if (existing !== undefined && update === undefined) {
          unchanged.push(existing)
          continue
        }
        if (existing === undefined) {
          requireRealFlags(item)
          requireNoCreate(context, definition)
        }
        if (existing === undefined && definition.externalID === '') {
          throw badRequest(
            `missing external ID: Register records a volume that exists; to make one, PUT /v1/volume/csi/${encodeURIComponent(definition.id)}/create`,
          )
        }
        const plugin = plugins.live(definition.pluginID)
        const next = update?.volume ?? newRecord(item)
        await validateAtPlugin(plugin, next)
        planned.push(
          update
            ? await expandForUpdate(context, plugin, update)
            : { ...next, capacity: await capacityAtPlugin(plugin, next) },
        )
      }
      return [...unchanged, ...storeVolumes(state, planned)]
    },
  )
}

/**
 * Create: makes the external volumes that are not there yet, and updates the others. All are checked before
 * any plugin is called. The first failure then ends the request. The volumes that were made before it stay.
 * @throws ApiError
 */
export async function createVolumes(
  context: ServerContext,
  replays: Replays,
  bodies: readonly VolumeBody[],
): Promise<VolumeRecord[]> {
  const { state, plugins } = context
  const parsed = bodies.map(parseDefinition)
  for (const { definition } of parsed) {
    requireNamespace(context, definition.namespace, definition.id)
    const { record } = plugins.live(definition.pluginID)
    if (record.controller === undefined) throw unprocessable('plugin has no controller')
    if (!record.controller.SupportsCreateDelete) {
      throw unprocessable('plugin does not support creating volumes')
    }
  }
  return await holdVolumes(
    context,
    parsed.map(({ definition }) => definition),
    async () => {
      const stored: VolumeRecord[] = []
      for (const item of parsed) if (state.csi_volumes.get(keyOf(item)) === undefined) requireCreatable(item)
      for (const item of parsed) {
        const { definition } = item
        const existing = state.csi_volumes.get(keyOf(item))
        if (existing !== undefined) {
          const update = requireUpdate(context, existing, item)
          const plugin = plugins.live(definition.pluginID)
          if (update === undefined) stored.push(existing)
          else stored.push(...storeVolumes(state, [await expandForUpdate(context, plugin, update)]))
          continue
        }
        const wanted = withTopologies(item)
        requireNoCreate(context, wanted)
        try {
          stored.push(await createVolume(context, wanted, 'told'))
        } finally {
          if (state.csi_creates.get(keyOf(item)) !== undefined) replays.start(keyOf(item))
        }
      }
      return stored
    },
  )
}

function requireNamespace({ state }: ServerContext, namespace: string, volumeID: string) {
  if (state.namespaces.get(namespace) === undefined) {
    throw badRequest(`volume ${volumeID} is in nonexistent namespace ${namespace}`)
  }
}

/** The public page's Create asks for places by `Topologies`: they are the required ones where no others are asked for. */
function withTopologies({ definition, topologies, said }: ParsedDefinition): VolumeDefinition {
  if (said.topologies || topologies.length === 0) return definition
  return { ...definition, requestedTopologies: { required: topologies, preferred: [] } }
}

/** What stands in answers for mount flags says nothing of the flags, so a new volume cannot be defined with it. */
function requireRealFlags({ definition }: ParsedDefinition) {
  if (!isDeepStrictEqual(definition.mountOptions.mountFlags, redactedFlags)) return
  throw badRequest(
    `volume "${definition.id}": MountFlags is what an answer shows in the place of mount flags; give the flags themselves, or leave MountFlags out`,
  )
}

function requireCreatable(item: ParsedDefinition) {
  const { definition } = item
  requireRealFlags(item)
  if (definition.name === '') throw badRequest('missing Name')
  if (definition.externalID !== '') {
    throw badRequest(
      'ExternalID cannot be chosen for a volume that is to be created: leave it out, or PUT to the path without /create to register the external volume that has it',
    )
  }
}

/** An unfinished create may only be repeated as it was: the volume may be there already, under its name. */
function requireNoCreate({ state }: ServerContext, definition: VolumeDefinition) {
  const intent = state.csi_creates.get(volumeKey(definition.namespace, definition.id))
  if (intent === undefined || isDeepStrictEqual(intent.definition, definition)) return
  throw conflict(
    `volume "${definition.id}" is still being created with another definition: repeat that, or wait`,
  )
}

const newRecord = ({ definition, topologies }: ParsedDefinition): VolumeRecord => ({
  ...definition,
  capacity: 0,
  topologies: topologies.length > 0 ? topologies : definition.requestedTopologies.required,
  resourceExhaustedMs: 0,
  createIndex: 0,
  modifyIndex: 0,
  createTimeMs: 0,
  modifyTimeMs: 0,
})

/**
 * Stores the records in one write, none for none. Those without a create index are new. A capacity that changes is
 * that of the external volume, and changes in every record of it.
 */
function storeVolumes(state: ServerContext['state'], volumes: readonly VolumeRecord[]): VolumeRecord[] {
  if (volumes.length === 0) return []
  const stored: VolumeRecord[] = []
  state.write(({ put, index, nowMs }) => {
    const changed = new Map(volumes.map((volume) => [volumeKey(volume.namespace, volume.id), volume]))
    for (const volume of volumes) {
      const before = state.csi_volumes.get(volumeKey(volume.namespace, volume.id))
      if (volume.capacity === (before?.capacity ?? 0)) continue
      for (const other of recordsOfExternal(state, volume)) {
        const key = volumeKey(other.namespace, other.id)
        changed.set(key, { ...(changed.get(key) ?? other), capacity: volume.capacity })
      }
    }
    for (const [key, volume] of changed) {
      const isNew = volume.createIndex === 0
      const record: VolumeRecord = {
        ...volume,
        createIndex: isNew ? index : volume.createIndex,
        createTimeMs: isNew ? nowMs : volume.createTimeMs,
        modifyIndex: index,
        modifyTimeMs: nowMs,
      }
      put('csi_volumes', record)
      if (volumes.some(({ namespace, id }) => volumeKey(namespace, id) === key)) stored.push(record)
    }
  })
  return stored
}

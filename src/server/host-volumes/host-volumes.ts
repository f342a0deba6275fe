import { stat } from 'node:fs/promises'
import { delay } from '../../lib/clock.ts'
import { errorCode, errorMessage } from '../../lib/errors.ts'
import { isFeasible } from '../../wire/feasible.ts'
import type { ServerContext } from '../context.ts'
import { badRequest, conflict, notFound, unprocessable } from '../errors.ts'
import { ownPool, presentNode } from '../node/present-node.ts'
import { type HostVolumeDefinition, type HostVolumeRecord, volumeKey } from '../state/records.ts'
import type { MadeHostVolume } from './host-volume-plugin.ts'
import { mkdirID } from './mkdir-plugin.ts'
import type { ParsedHostVolume } from './parse-host-volume.ts'

/** How often it is looked whether the volumes' folders are there. */
const lookAgainMs = 30_000

/**
 * Create Host Volume: makes a new volume under an ID of ours, or, where the body names one that is there, changes that
 * one. The intent is stored first: a create that a crash cut short is repeated by the next start, under the same ID.
 * @throws ApiError 400, 404, 409, 422, or what the plugin said
 */
export async function createHostVolume(
  context: ServerContext,
  asked: ParsedHostVolume,
): Promise<HostVolumeRecord> {
  return await inTurn(context, asked.definition, async () => {
    const existing = findExisting(context, asked)
    if (existing !== undefined) await requireFolder(existing)
    const definition = complete(context, asked, existing, mkdirID)
    place(context, asked.definition.nodeID, definition)
    requireFreeName(context, definition, existing)
    return await make(context, existing?.id ?? context.newID(), definition)
  })
}

/** Register Host Volume: takes up a folder of this machine that is there already. No plugin is called for it. */
export async function registerHostVolume(
  context: ServerContext,
  asked: ParsedHostVolume,
): Promise<HostVolumeRecord> {
  return await inTurn(context, asked.definition, async () => {
    if (asked.definition.nodeID === '') throw badRequest('cannot register volume: node ID is required')
    if (asked.hostPath === '') throw badRequest('cannot register volume: host path is required')
    const existing = findExisting(context, asked)
    const definition = complete(context, asked, existing, '')
    requireFreeName(context, definition, existing)
    if (!(await isThere(asked.hostPath)))
      throw unprocessable(
        `could not verify host path for "${definition.name}": ${asked.hostPath} is not there`,
      )
    return store(context, existing?.id ?? context.newID(), definition, {
      hostPath: asked.hostPath,
      capacityBytes: asked.capacityBytes,
    })
  })
}

/** Delete Host Volume: a registered one is only forgotten, any other is deleted with its data. @throws ApiError 404, or what the plugin said */
export async function deleteHostVolume(context: ServerContext, namespace: string, id: string): Promise<void> {
  const { state, hostVolumes } = context
  const key = volumeKey(namespace, id)
  const found = state.host_volumes.get(key)
  if (found === undefined) throw notFound(`no such volume: ${id}`)
  await inTurn(context, found, async () => {
    const volume = state.host_volumes.get(key)
    if (volume === undefined) throw notFound(`no such volume: ${id}`)
    await state.durable()
    if (volume.pluginID !== '') await hostVolumes.get(volume.pluginID).delete(volume)
    state.write(({ remove }) => remove('host_volumes', key))
  })
}

/** What runs beside the requests: the creates that were cut short, and a look at the folders again and again. */
export function followHostVolumes(context: ServerContext) {
  const { state, clock, log, hostVolumes } = context
  const ended = new AbortController()
  const look = async () => {
    for (const { namespace, id, hostPath } of [...state.host_volumes.list()]) {
      const now = (await isThere(hostPath)) ? 'ready' : 'unavailable'
      const volume = state.host_volumes.get(volumeKey(namespace, id))
      if (volume === undefined || volume.hostPath !== hostPath || volume.state === now) continue
      log.warn({ name: volume.name, id, path: hostPath, state: now }, 'host volume changes its state')
      state.write(({ put, index }) => put('host_volumes', { ...volume, state: now, modifyIndex: index }))
    }
  }
  const tryLook = async () => {
    try {
      await look()
    } catch (error) {
      // Such as a full disk: it is tried again.
      log.error({ reason: errorMessage(error) }, 'the state of host volumes cannot be stored')
    }
  }
  const lookOn = async () => {
    while (!ended.signal.aborted) {
      await delay(clock, lookAgainMs, ended.signal)
      if (!ended.signal.aborted) await tryLook()
    }
  }
  return {
    async recover() {
      await hostVolumes.fingerprint()
      for (const { id, definition } of [...state.host_creates.list()]) {
        try {
          await inTurn(context, definition, () => finishCreate(context, id, definition))
        } catch (error) {
          log.error(
            { id, name: definition.name, reason: errorMessage(error) },
            'a create of a host volume that was cut short fails',
          )
        }
      }
      await tryLook()
      void lookOn()
    },
    close: () => ended.abort(),
  }
}

/** Repeats a create that a crash cut short. A change of a volume whose folder is lost since is dropped. */
async function finishCreate(
  context: ServerContext,
  id: string,
  definition: HostVolumeDefinition,
): Promise<void> {
  const { state } = context
  const existing = state.host_volumes.get(volumeKey(definition.namespace, id))
  if (existing === undefined || (await isThere(existing.hostPath))) await make(context, id, definition)
  else state.write(({ remove }) => remove('host_creates', id))
}

/** Names are unique on a node, so one operation at a time has a name. */
function inTurn<Result>(
  { lock }: ServerContext,
  { name }: Pick<HostVolumeDefinition, 'name'>,
  task: () => Promise<Result>,
): Promise<Result> {
  return lock(`host volume ${name}`, task)
}

function findExisting(
  { state }: ServerContext,
  { id, definition }: ParsedHostVolume,
): HostVolumeRecord | undefined {
  if (state.namespaces.get(definition.namespace) === undefined)
    throw badRequest(`volume validation failed: no such namespace "${definition.namespace}"`)
  if (id === '') return undefined
  const existing = state.host_volumes.get(volumeKey(definition.namespace, id))
  if (existing === undefined) throw notFound(`cannot update volume "${id}": volume does not exist`)
  const faults: string[] = []
  const { nodeID, nodePool, requestedCapacityMaxBytes: max } = definition
  if (nodeID !== '' && nodeID !== existing.nodeID) faults.push('node ID cannot be updated')
  if (nodePool !== '' && nodePool !== existing.nodePool) faults.push('node pool cannot be updated')
  if (definition.name !== existing.name) faults.push('name cannot be updated')
  if (max !== 0 && max < existing.capacityBytes)
    faults.push(
      `capacity_max (${max}) cannot be less than existing provisioned capacity (${existing.capacityBytes})`,
    )
  if (faults.length > 0) throw conflict(`validating volume "${id}" update failed: ${faults.join(', ')}`)
  return existing
}

/**
 * What a body leaves out: from the volume that is there, or of this machine, the one node that there is.
 * @throws ApiError 400 where it names another node or pool
 */
function complete(
  { node }: ServerContext,
  { definition }: ParsedHostVolume,
  existing: HostVolumeRecord | undefined,
  defaultPluginID: string,
): HostVolumeDefinition {
  const { name, nodeID, nodePool } = definition
  const fault = (text: string) => badRequest(`validating volume "${name}" against state failed: ${text}`)
  if (nodeID !== '' && nodeID !== node.id) throw fault(`node "${nodeID}" does not exist`)
  if (nodePool !== '' && nodePool !== ownPool) throw fault(`node "${node.id}" is not in pool "${nodePool}"`)
  return {
    ...definition,
    pluginID: definition.pluginID || (existing?.pluginID ?? defaultPluginID),
    nodeID: node.id,
    nodePool: ownPool,
    constraints: existing?.constraints ?? definition.constraints,
  }
}

/** A plugin would make a blank volume in the place of the one that is lost. @throws ApiError 409 */
async function requireFolder({ id, hostPath }: HostVolumeRecord): Promise<void> {
  if (await isThere(hostPath)) return
  throw conflict(
    `volume "${id}" is unavailable: ${hostPath} is not there. Bring it back, or delete the volume and create another one`,
  )
}

function requireFreeName(
  { state }: ServerContext,
  { name }: HostVolumeDefinition,
  existing: HostVolumeRecord | undefined,
): void {
  const isTaken = state.host_volumes.list().some((other) => other.name === name && other.id !== existing?.id)
  if (isTaken) throw conflict('volume name already exists on this node')
}

/** @param askedNodeID as the body has it @throws ApiError 422 where the volume cannot be on this machine */
function place(
  { node, state, hostVolumes }: ServerContext,
  askedNodeID: string,
  { name, pluginID, constraints }: HostVolumeDefinition,
): void {
  const hasPlugin = {
    LTarget: `\${attr.plugins.host_volume.${pluginID}.version}`,
    RTarget: '',
    Operand: 'is_set',
  }
  const shown = presentNode(state, node, hostVolumes.versions())
  if (isFeasible(shown, [hasPlugin, ...constraints])) return
  const why =
    askedNodeID === ''
      ? 'no node meets constraints: 0 nodes had existing volume, 0 nodes filtered by node pool governance, 1 nodes were infeasible'
      : `node ${askedNodeID} is not feasible for volume`
  throw unprocessable(`could not place volume "${name}": ${why}`)
}

async function make(
  context: ServerContext,
  id: string,
  definition: HostVolumeDefinition,
): Promise<HostVolumeRecord> {
  const { state, hostVolumes } = context
  state.write(({ put }) => put('host_creates', { id, definition }))
  await state.durable()
  try {
    const made = await hostVolumes.get(definition.pluginID).create(id, definition)
    return store(context, id, definition, made)
  } catch (error) {
    state.write(({ remove }) => remove('host_creates', id))
    throw error
  }
}

function store(
  { state }: ServerContext,
  id: string,
  definition: HostVolumeDefinition,
  { hostPath, capacityBytes }: MadeHostVolume,
): HostVolumeRecord {
  const key = volumeKey(definition.namespace, id)
  const existing = state.host_volumes.get(key)
  state.write(({ put, remove, index, nowMs }) => {
    put('host_volumes', {
      ...definition,
      id,
      capacityBytes,
      hostPath,
      state: 'ready',
      createIndex: existing?.createIndex ?? index,
      modifyIndex: index,
      createTimeMs: existing?.createTimeMs ?? nowMs,
      modifyTimeMs: nowMs,
    })
    remove('host_creates', id)
  })
  const stored = state.host_volumes.get(key)
  if (stored === undefined) throw new Error('what was written can be read')
  return stored
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    // Whatever else keeps the server from looking says nothing of the folder.
    return errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR'
  }
}

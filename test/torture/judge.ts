import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PluginClient } from '../../src/csi/plugin-client.ts'
import { chooseID } from '../../src/driver/names.ts'
import { readContent } from './content.ts'
import type { DriverLife } from './driver-life.ts'
import { endVolume } from './end-everything.ts'
import { groupNames, kindOfVolume, snapshotNames, stagingCount, targetCount, volumeNames } from './history.ts'
import { type Model, no, Violation } from './model.ts'
import { forgotten, placesOf, snapshotID, targetsOf, volumeID } from './planned-call.ts'
import type { RunningHistory } from './run-history.ts'

/** What the driver has written beside each volume and snapshot. */
interface RecordOnDisk {
  readonly state: string
  readonly usedBytes?: number
  readonly stagings?: ReadonlyArray<{ readonly path: string }>
}

/**
 * Holds what the clients were told against what the driver says and what lies on the disk. Afterwards the
 * model knows everything for sure.
 * @throws Violation at the first thing that cannot be
 */
export async function judge(running: RunningHistory, life: DriverLife): Promise<void> {
  const client = life.createClient()
  try {
    await untilQuiet(running, life, client)
    await removeDamaged(running)
    if (running.databaseWasLost) await removeUnrecorded(running)
    const records = await readRecords(running)
    await judgeVolumes(running, client, records.volumes)
    await judgeSnapshots(running, client, records.snapshots)
    await judgeMounts(running)
    // The judge itself may have deleted what was half gone.
    await judgeDisk(running, client, await readRecords(running))
    running.databaseWasLost = false
  } finally {
    client.close()
  }
}

/** What a lost database leaves without a record, as nobody was told of it, a person removes. */
async function removeUnrecorded({ machine }: RunningHistory): Promise<void> {
  for (const kind of ['volumes', 'snapshots']) {
    const entries = await readdir(join(machine.pool, kind))
    for (const entry of entries) {
      if (entry.startsWith('.') || entries.includes(`.${entry}.json`)) continue
      await rm(join(machine.pool, kind, entry), { recursive: true })
    }
  }
}

/** Longer than any copy of this little; beyond it, it hangs. */
const longestWaitMs = 30_000

/** Copies are finished, and what was deleted is freed. */
async function untilQuiet(
  { machine }: RunningHistory,
  life: DriverLife,
  client: PluginClient,
): Promise<void> {
  const tooLong = AbortSignal.timeout(longestWaitMs)
  for (;;) {
    const { snapshots } = await readRecords({ machine })
    const copying = [...snapshots].filter(([, { state }]) => state === 'copying').map(([id]) => id)
    const left = await listStaging(machine.pool)
    if (copying.length === 0 && left.length === 0) return
    if (!life.isAlive()) throw new Violation('the driver died by itself')
    if (tooLong.aborted) {
      await client.probe({})
      throw new Violation(`never finished: copies of ${copying.join()}; left in staging: ${left.join()}`)
    }
    await sleep(5)
  }
}

async function listStaging(pool: string): Promise<string[]> {
  const staging = join(pool, '.mooring', 'staging')
  const ofProcesses = await readdir(staging)
  return (
    await Promise.all(
      ofProcesses.map(async (entry) =>
        (await readdir(join(staging, entry)).catch(() => [])).map((name) => `${entry}/${name}`),
      ),
    )
  ).flat()
}

async function readRecords({ machine }: Pick<RunningHistory, 'machine'>) {
  const read = async (kind: string) => {
    const directory = join(machine.pool, kind)
    const records = new Map<string, RecordOnDisk>()
    for (const entry of await readdir(directory)) {
      if (!entry.startsWith('.') || !entry.endsWith('.json')) continue
      const text = await readFile(join(directory, entry), 'utf8').catch(() => undefined)
      // Gone since it was listed.
      if (text !== undefined) records.set(entry.slice(1, -'.json'.length), parseRecord(text))
    }
    return records
  }
  return { volumes: await read('volumes'), snapshots: await read('snapshots') }
}

/** A power cut may damage the record of something that nobody was told of: the driver says so, and a person acts. */
function parseRecord(text: string): RecordOnDisk {
  try {
    return JSON.parse(text) as RecordOnDisk
  } catch {
    return { state: 'damaged' }
  }
}

/** What the driver asks a person to do about records that it cannot read, and that have no data. */
async function removeDamaged({ machine }: RunningHistory): Promise<void> {
  const { volumes, snapshots } = await readRecords({ machine })
  for (const [kind, records] of Object.entries({ volumes, snapshots })) {
    const entries = await readdir(join(machine.pool, kind))
    for (const [id, { state }] of records) {
      if (state === 'damaged' && !entries.includes(id)) await rm(join(machine.pool, kind, `.${id}.json`))
    }
  }
}

async function judgeVolumes(
  running: RunningHistory,
  client: PluginClient,
  records: ReadonlyMap<string, RecordOnDisk>,
): Promise<void> {
  const { machine, model } = running
  const entries = await client.listAllVolumes({ maxEntries: 3 })
  const listed = new Map(entries.map((entry) => [entry.volume?.volumeId ?? '', entry]))
  for (const [volume] of volumeNames.entries()) {
    const id = volumeID(volume)
    const entry = listed.get(id)
    listed.delete(id)
    const mayBeEnding = model.possible(`volume:${id}`).has(no)
    model.observe(`volume:${id}`, entry === undefined ? no : 'yes', 'in the list of volumes')
    if (entry === undefined) {
      forgetVolume(model, id)
      continue
    }
    const { volumeCondition, publishedNodeIds = [] } = entry.status ?? {}
    const isUnrecorded = running.databaseWasLost && entry.volume?.capacityBytes === 0n
    if ((volumeCondition?.abnormal || isUnrecorded) && mayBeEnding) {
      // Its deletion or its creation, of which nobody was told, broke off half way. A person looks, and deletes it.
      await endVolume(client, id, machine)
      forgetVolume(model, id)
      continue
    }
    if (volumeCondition?.abnormal) throw new Violation(`volume ${id} is abnormal: ${volumeCondition.message}`)
    const path = join(machine.pool, 'volumes', id)
    model.observe(`content:${id}`, await readContent(path, kindOfVolume(volume)), 'on the disk')
    model.observe(`capacity:${id}`, `${entry.volume?.capacityBytes}`, 'in the list of volumes')
    const attached = model.possible(`attached:${id}`)
    const isAttached = publishedNodeIds.length > 0
    if (isAttached ? ![...attached].some((value) => value !== no) : !attached.has(no)) {
      throw new Violation(`volume ${id} is ${isAttached ? '' : 'not '}attached, against what was told`)
    }
    model.set(`attached:${id}`, isAttached ? [...attached].filter((value) => value !== no) : [no])
    const staged = new Set(records.get(id)?.stagings?.map(({ path: place }) => place))
    for (let place = 0; place < stagingCount; place++) {
      const isStaged = staged.delete(join(machine.stagings, `s${place}`))
      model.observe(`staged:${id}:${place}`, isStaged ? 'yes' : no, 'in the record')
    }
    if (staged.size > 0)
      throw new Violation(`volume ${id} is staged at ${[...staged].join()}, another spelling`)
  }
  if (listed.size > 0)
    throw new Violation(`volumes that nobody made are listed: ${[...listed.keys()].join()}`)
}

function forgetVolume(model: Model, id: string): void {
  const parts = ['volume', 'content', 'capacity', 'live', 'attached'].map((part) => `${part}:${id}`)
  for (const attribute of [...parts, ...placesOf(id), ...targetsOf(id)]) model.set(attribute, [no])
}

async function judgeSnapshots(
  running: RunningHistory,
  client: PluginClient,
  records: ReadonlyMap<string, RecordOnDisk>,
): Promise<void> {
  const { machine, model } = running
  const listed = new Map(
    (await client.listAllSnapshots({ maxEntries: 2 })).map(({ snapshot }) => [
      snapshot?.snapshotId ?? '',
      snapshot,
    ]),
  )
  const judgeCopy = async (id: string, isReady: boolean, sourceID: string, content: string) => {
    const volume = volumeNames.findIndex((_, index) => volumeID(index) === sourceID)
    if (isReady) {
      const path = join(machine.pool, 'snapshots', id)
      model.observe(content, await readContent(path, kindOfVolume(volume)), `in snapshot ${id}`)
    } else if (records.get(id)?.state !== 'failed' || !running.mayHaveFailed) {
      throw new Violation(`snapshot ${id} is not ready, its record says ${records.get(id)?.state}`)
    }
  }
  for (const [index] of snapshotNames.entries()) {
    const id = snapshotID(index)
    const snapshot = listed.get(id)
    listed.delete(id)
    const mayBeEnding = model.possible(`snapshot:${id}`).has(no)
    model.observe(`snapshot:${id}`, snapshot ? 'yes' : no, 'in the list of snapshots')
    if (snapshot?.readyToUse === false && mayBeEnding) {
      // Its deletion broke off half way, or its taking did before anybody was told.
      await client.deleteSnapshot({ snapshotId: id })
      for (const kind of ['snapshot', 'ready', 'of', 'snapshotContent']) model.set(`${kind}:${id}`, [no])
      continue
    }
    if (!snapshot) {
      for (const kind of ['ready', 'of', 'snapshotContent']) model.set(`${kind}:${id}`, [no])
      continue
    }
    model.observe(`of:${id}`, snapshot.sourceVolumeId, 'in the list of snapshots')
    model.observe(`ready:${id}`, snapshot.readyToUse ? 'yes' : 'not yet', 'in the list of snapshots')
    await judgeCopy(id, snapshot.readyToUse, snapshot.sourceVolumeId, `snapshotContent:${id}`)
    // What failed stays so; what is ready stays ready.
    model.set(`ready:${id}`, [snapshot.readyToUse ? 'yes' : 'not yet'])
  }
  for (const name of groupNames) {
    const group = chooseID(name, () => false)
    const members = [...listed.values()].filter((snapshot) => snapshot?.groupSnapshotId === group)
    for (const member of members) listed.delete(member?.snapshotId ?? '')
    const first = members[0]
    if (running.databaseWasLost && first && members.some((member) => member?.readyToUse !== true)) {
      // A record that came back without its data: whoever deleted the group deletes it again.
      const snapshotIds = members.map((member) => member?.snapshotId ?? '')
      await client.deleteVolumeGroupSnapshot({ groupSnapshotId: first.groupSnapshotId, snapshotIds })
      for (const attribute of [`group:${group}`, ...model.attributes(`memberContent:${group}:`)]) {
        model.set(attribute, [no])
      }
      continue
    }
    const sources = members.map((member) => member?.sourceVolumeId ?? '').sort()
    model.observe(`group:${group}`, sources.length === 0 ? no : sources.join('+'), 'in the list of snapshots')
    running.memberIDs.set(
      group,
      new Map(members.map((member) => [member?.sourceVolumeId ?? '', member?.snapshotId ?? ''])),
    )
    if (members.length === 0) {
      for (const attribute of model.attributes(`memberContent:${group}:`)) model.set(attribute, [no])
      continue
    }
    const { groupSnapshot } = await client.getVolumeGroupSnapshot({ groupSnapshotId: group })
    if (groupSnapshot?.snapshots.length !== members.length) throw new Violation(`group ${group} is not whole`)
    const times = new Set(
      members.map((member) => `${member?.creationTime?.seconds}.${member?.creationTime?.nanos}`),
    )
    if (times.size > 1) throw new Violation(`group ${group} is of several moments: ${[...times].join()}`)
    for (const member of members) {
      const source = member?.sourceVolumeId ?? ''
      await judgeCopy(
        member?.snapshotId ?? '',
        member?.readyToUse === true,
        source,
        `memberContent:${group}:${source}`,
      )
    }
  }
  if (listed.size > 0)
    throw new Violation(`snapshots that nobody took are listed: ${[...listed.keys()].join()}`)
}

/** What is mounted at the targets is what was told, and none of it was deleted. */
async function judgeMounts({ machine, model }: RunningHistory): Promise<void> {
  const seen = await machine.publications()
  for (const { target, volumeID: id, isDeleted } of seen) {
    if (isDeleted) throw new Violation(`what is mounted at t${target} was deleted while it was mounted`)
    if (id === undefined) throw new Violation(`something else than a volume is mounted at t${target}`)
    if (!volumeNames.some((_, volume) => volumeID(volume) === id)) {
      throw new Violation(`volume ${id}, which nobody made, is mounted at t${target}`)
    }
  }
  for (let target = 0; target < targetCount; target++) {
    const here = seen.filter((publication) => publication.target === target)
    if (here.length > 1) throw new Violation(`${here.length} mounts are stacked at t${target}`)
    for (const [volume] of volumeNames.entries()) {
      const attribute = `published:${volumeID(volume)}:${target}`
      const publication = here.find(({ volumeID: id }) => id === volumeID(volume))
      const isForgotten = publication === undefined && model.possible(attribute).has(forgotten)
      model.observe(
        attribute,
        publication?.mode ?? (isForgotten ? forgotten : no),
        'in the kernel’s mount table',
      )
    }
  }
}

/** The ledger equals the disk: every promise is kept by something, and nothing lies there without one. */
async function judgeDisk(
  { machine, poolBytes, model }: RunningHistory,
  client: PluginClient,
  records: { volumes: ReadonlyMap<string, RecordOnDisk>; snapshots: ReadonlyMap<string, RecordOnDisk> },
): Promise<void> {
  for (const kind of ['volumes', 'snapshots'] as const) {
    const entries = await readdir(join(machine.pool, kind))
    const ids = [...records[kind].keys()]
    const isFailed = (id: string) => records[kind].get(id)?.state === 'failed'
    const expected = [...ids.filter((id) => !isFailed(id)), ...ids.map((id) => `.${id}.json`)].sort()
    if (entries.sort().join() !== expected.join()) {
      throw new Violation(
        `${kind}/ holds ${entries.join(', ')}, and the records are of ${expected.join(', ')}`,
      )
    }
  }
  const promised = volumeNames
    .map((_, volume) => [...model.possible(`capacity:${volumeID(volume)}`)].find((value) => value !== no))
    .reduce((sum, bytes) => sum + Number(bytes ?? 0), 0)
  const used = [...records.snapshots.values()].reduce((sum, { usedBytes = 0 }) => sum + usedBytes, 0)
  const { availableCapacity } = await client.getCapacity({})
  if (promised + used > poolBytes)
    throw new Violation(`${promised} + ${used} bytes are promised of ${poolBytes}`)
  if (Number(availableCapacity) !== poolBytes - promised - used) {
    throw new Violation(
      `GetCapacity says ${availableCapacity}, and ${poolBytes} - ${promised} promised - ${used} used are left`,
    )
  }
}

import { OperationError } from '../../../src/lib/errors.ts'
import { classifyAnswer, type Purpose } from '../../../src/nomad/error-table.ts'
import type { History } from './history.ts'

/** An external volume. */
export interface Disk {
  readonly externalID: string
  readonly name: string
  /** Namespace/ID of the Nomad volume that it was made for. */
  readonly madeFor: string
  readonly madeAtMs: number
  sizeBytes: number
  /** What is on it: where it came from, and a number that each write raises. */
  content: string
  writes: number
}

export interface DiskSnapshot {
  readonly snapshotID: string
  readonly name: string
  readonly externalID: string
  readonly content: string
  readonly takenAtMs: number
  readonly readyAtMs: number
}

/** What this plugin does that others do not. Real ones have each of these habits. */
export interface Habits {
  /** A disk is a multiple of so many bytes. */
  readonly roundsUpTo: number
  readonly listsVolumes: boolean
  readonly listsSnapshots: boolean
  /** Its lists are so much older than what it holds. */
  readonly listLagMs: number
  /** So long passes until a snapshot is ready to use. */
  readonly snapshotReadyMs: number
  /** It deletes no disk that has snapshots. */
  readonly snapshotsNeedTheirDisk: boolean
}

export interface CreateDisk {
  readonly name: string
  readonly at: string
  readonly sizeBytes: number
  readonly snapshotID?: string | undefined
  readonly cloneID?: string | undefined
}

/** A CSI plugin in memory. It is idempotent by name, as the specification demands. */
export function createPlugin(options: {
  nowMs: () => number
  habits: Habits
  history: Pick<History, 'record'>
}) {
  const { nowMs, habits, history } = options
  const disks = new Map<string, Disk>()
  const snapshots = new Map<string, DiskSnapshot>()
  /** What the lists show: each change with its time. */
  const lists: { atMs: number; disks: ReadonlySet<string>; snapshots: ReadonlySet<string> }[] = []
  const deleted = new Map<string, Disk>()
  let serial = 0

  function changed() {
    if (habits.listLagMs === 0) return
    lists.push({ atMs: nowMs(), disks: new Set(disks.keys()), snapshots: new Set(snapshots.keys()) })
    while (lists.length > 1 && (lists[1]?.atMs ?? 0) <= nowMs() - habits.listLagMs) lists.shift()
  }

  function listed<Item>(items: ReadonlyMap<string, Item>, of: 'disks' | 'snapshots'): Item[] {
    if (habits.listLagMs === 0) return [...items.values()]
    const shown = lists.findLast(({ atMs }) => atMs <= nowMs() - habits.listLagMs)
    // What is gone is not shown, because nobody could say anything about it.
    return [...items].flatMap(([id, item]) => (shown?.[of].has(id) ? [item] : []))
  }

  const roundUp = (bytes: number) =>
    Math.max(habits.roundsUpTo, Math.ceil(bytes / habits.roundsUpTo) * habits.roundsUpTo)

  return {
    disks,
    snapshots,
    /** What was on disks that are gone. */
    deleted: deleted as ReadonlyMap<string, Disk>,
    habits,
    create({ name, at, sizeBytes, snapshotID = '', cloneID = '' }: CreateDisk): Disk {
      // An update that meets no volume becomes a create, and has no name: nothing comes of it.
      if (name === '')
        throw answered('rpc error: code = InvalidArgument desc = missing Name', 'create volume')
      const isBlank = snapshotID === '' && cloneID === ''
      const found = [...disks.values()].find((disk) => disk.name === name)
      if (found !== undefined) {
        if (isBlank && sizeBytes > found.sizeBytes)
          throw answered('rpc error: code = AlreadyExists desc = it has another capacity', 'create volume')
        history.record({
          type: 'disk given again',
          externalID: found.externalID,
          name,
          at,
          blank: isBlank,
        })
        return found
      }
      const source = snapshotID === '' ? disks.get(cloneID)?.content : snapshots.get(snapshotID)?.content
      if (!isBlank && source === undefined)
        throw answered('rpc error: code = NotFound desc = no such source', 'create volume')
      serial += 1
      const externalID = `disk-${serial}`
      const content = source ?? 'blank'
      const disk = {
        externalID,
        name,
        madeFor: at,
        madeAtMs: nowMs(),
        sizeBytes: roundUp(sizeBytes),
        content,
        writes: 0,
      }
      disks.set(externalID, disk)
      changed()
      history.record({ type: 'disk made', externalID, name, at, content })
      return disk
    },
    expand(externalID: string, sizeBytes: number): Disk {
      const disk = disks.get(externalID)
      if (disk === undefined) throw answered(`volume "${externalID}" could not be found`)
      if (sizeBytes > disk.sizeBytes) {
        disk.sizeBytes = roundUp(sizeBytes)
        history.record({ type: 'disk expanded', externalID, sizeBytes: disk.sizeBytes })
      }
      return disk
    },
    delete(externalID: string, by: 'Mooring' | 'a person', isWritten: boolean): void {
      const disk = disks.get(externalID)
      if (disk === undefined) return
      if (habits.snapshotsNeedTheirDisk && by === 'Mooring') {
        const needed = [...snapshots.values()].some((snapshot) => snapshot.externalID === externalID)
        if (needed) throw new OperationError('it has snapshots', { kind: 'waiting', reason: 'DeleteRefused' })
      }
      disks.delete(externalID)
      deleted.set(externalID, disk)
      changed()
      history.record({ type: 'disk deleted', externalID, by, isWritten })
    },
    snapshot(name: string, externalID: string): DiskSnapshot {
      const found = [...snapshots.values()].find((snapshot) => snapshot.name === name)
      if (found !== undefined && found.externalID !== externalID)
        throw answered('rpc error: code = AlreadyExists desc = the name is taken')
      if (found !== undefined) {
        history.record({ type: 'snapshot given again', snapshotID: found.snapshotID, name })
        return found
      }
      const disk = disks.get(externalID)
      if (disk === undefined)
        throw answered(`rpc error: code = NotFound desc = volume "${externalID}" could not be found`)
      serial += 1
      const snapshotID = `snap-${serial}`
      const content = contentOf(disk)
      const takenAtMs = nowMs()
      const made = {
        snapshotID,
        name,
        externalID,
        content,
        takenAtMs,
        readyAtMs: takenAtMs + habits.snapshotReadyMs,
      }
      snapshots.set(snapshotID, made)
      changed()
      history.record({ type: 'snapshot taken', snapshotID, name, externalID, content })
      return made
    },
    deleteSnapshot(snapshotID: string, by: 'Mooring' | 'a person'): void {
      if (!snapshots.delete(snapshotID)) return
      changed()
      history.record({ type: 'snapshot deleted', snapshotID, by })
    },
    write(externalID: string): void {
      const disk = disks.get(externalID)
      if (disk === undefined) return
      disk.writes += 1
      history.record({ type: 'content written', externalID })
    },
    listDisks: () => listed(disks, 'disks'),
    listSnapshots: () => listed(snapshots, 'snapshots'),
  }
}

export type SimulatedPlugin = ReturnType<typeof createPlugin>

/** What a disk holds now. */
export function contentOf(disk: Disk): string {
  return disk.writes === 0
    ? disk.content
    : `${disk.content}, then ${disk.writes} writes on ${disk.externalID}`
}

/** Nomad's answer of this text, as the client classifies it. */
export function answered(text: string, type: Purpose['type'] = 'write'): OperationError {
  return classifyAnswer(500, text, { title: 'a call', type })
}

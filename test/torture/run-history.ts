import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import type { PluginClient } from '../../src/csi/plugin-client.ts'
import { PluginError } from '../../src/csi/plugin-error.ts'
import { planCall } from './calls.ts'
import { readContent, writeContent } from './content.ts'
import type { DriverLife, DriverNursery, DriverOrders } from './driver-life.ts'
import { endEverything } from './end-everything.ts'
import { type Call, type History, kindOfVolume, type Round } from './history.ts'
import { judge } from './judge.ts'
import type { Machine } from './machine.ts'
import { anything, createModel, type Model, no, Violation } from './model.ts'
import { forgotten, type PlannedCall, volumeID } from './planned-call.ts'

/** What is known while a history runs. */
export interface RunningHistory {
  readonly machine: Machine
  readonly model: Model
  readonly poolBytes: number
  /** By group: the snapshot of each of its volumes. */
  readonly memberIDs: Map<string, Map<string, string>>
  /** Volumes that their workload writes to at this moment. */
  readonly beingWritten: Map<string, Promise<unknown>>
  /** Whether a copy may have failed: it was told to, or the disk was full. */
  mayHaveFailed: boolean
  /** Whether the database or its log was taken away since the last judgement. */
  databaseWasLost: boolean
  readonly counts: Counts
  /** One line per thing that happened, for whoever looks for the fault. */
  readonly trace: string[]
}

export interface Counts {
  calls: number
  kills: number
  powerCuts: number
  /** Operations of the driver that were made to fail. */
  failures: number
  /** By RPC and answer. */
  readonly answers: Map<string, number>
}

export const emptyCounts = (): Counts => ({
  calls: 0,
  kills: 0,
  powerCuts: 0,
  failures: 0,
  answers: new Map(),
})

const poolMebibytes = 48

/**
 * Runs a history to its end on a machine of its own.
 * @throws Violation where what a client was told does not hold
 */
export async function runHistory(
  history: History,
  { machine, nursery, counts }: { machine: Machine; nursery: DriverNursery; counts: Counts },
): Promise<void> {
  const running: RunningHistory = {
    machine,
    model: createModel(),
    poolBytes: poolMebibytes * 2 ** 20,
    memberIDs: new Map(),
    beingWritten: new Map(),
    mayHaveFailed: false,
    databaseWasLost: false,
    counts,
    trace: [],
  }
  try {
    for (const [index, round] of history.entries()) {
      running.trace.push(
        `round ${index + 1}: ${JSON.stringify({ ...round.disturbance, aftermath: round.aftermath })}`,
      )
      await runRound(running, nursery, round)
    }
    const life = await begin(running, nursery)
    await judge(running, life)
    await endEverything(running, life)
    await life.close()
  } catch (error) {
    // Whatever it is, what happened before it says more than its stack.
    const said =
      error instanceof Error ? (error instanceof Violation ? error.message : error.stack) : String(error)
    throw new Violation(`${said}\n${running.trace.slice(-120).join('\n')}`, { cause: error })
  } finally {
    await nursery.endLast()
  }
}

const ordersOf = ({ machine, poolBytes }: RunningHistory): DriverOrders => ({
  endpoint: `unix://${join(machine.directory, 'csi.sock')}`,
  pool: machine.pool,
  poolBytes,
  unsynced: machine.unsynced,
})

async function runRound(running: RunningHistory, nursery: DriverNursery, round: Round): Promise<void> {
  const { machine, model, counts, trace } = running
  const { disturbance, startDeaths } = round
  // Killed in its recovery, too; whatever that was at has to be finished by the next.
  for (const death of startDeaths) {
    const life = nursery.begin({ ...ordersOf(running), death })
    // One that the lost database keeps from starting has its remedy below.
    await life.started.catch((error: unknown) => {
      if (!running.databaseWasLost) throw error
    })
    await life.kill()
    counts.kills++
  }
  const life = await begin(running, nursery)
  await judge(running, life)

  if (disturbance.failures.length > 0 || disturbance.freeKibibytes !== undefined) running.mayHaveFailed = true
  if (disturbance.freeKibibytes !== undefined) await machine.fillDisk(disturbance.freeKibibytes)
  life.disturb(disturbance)
  const lanes = round.clients.map((calls, index) =>
    runLane(running, life, round, `client ${index + 1}`, calls),
  )
  for (const outcome of await Promise.allSettled(lanes))
    if (outcome.status === 'rejected') throw outcome.reason
  if (disturbance.kill === undefined) {
    await life.close()
  } else {
    await life.kill()
    counts.kills++
  }
  counts.failures += life.failures()
  model.processDied()
  await machine.freeDisk()
  trace.push('ended')
  await endRound(running, round)
}

/** A life that answers. Where the database's log was lost, what the driver says to do about it may come first. */
async function begin(running: RunningHistory, nursery: DriverNursery): Promise<DriverLife> {
  const life = nursery.begin(ordersOf(running))
  try {
    if (await life.started) return life
    throw new Violation('the driver ended by itself at its start')
  } catch (error) {
    if (!running.databaseWasLost || !/is damaged .*move it away/.test(String(error))) throw error
    running.trace.push('the damaged database is moved away')
    await running.machine.loseDatabase('all')
    return await begin(running, nursery)
  }
}

/**
 * Without the log, a record that was removed may be there again, though not what it was of. The record of a snapshot may be
 * the one from before the end of its copy. Then it is copied again, of its volume as that is now.
 */
function loseLog(running: RunningHistory): void {
  const { model } = running
  for (const attribute of model.attributes('snapshot:')) {
    if (!model.possible(attribute).has(no)) continue
    const id = attribute.slice('snapshot:'.length)
    model.set(`ready:${id}`, ['yes', 'not yet', no])
    for (const kind of ['of', 'snapshotContent']) model.set(`${kind}:${id}`, [anything])
  }
  for (const kind of ['volume:', 'snapshot:']) {
    for (const attribute of model.attributes(kind)) {
      if (model.possible(attribute).has(no)) model.set(attribute, ['yes', no])
    }
  }
  for (const attribute of [...model.attributes('group:'), ...model.attributes('memberContent:')]) {
    if (model.possible(attribute).has(no)) model.set(attribute, [anything])
  }
}

/** Where there was no room for the record beside the data, the database had the only word of who let a volume go. */
function loseReleases({ model, mayHaveFailed }: RunningHistory): void {
  if (!mayHaveFailed) return
  for (const attribute of model.attributes('attached:')) model.set(attribute, ['rw', 'ro', no])
  for (const attribute of model.attributes('staged:')) model.set(attribute, ['yes', no])
}

async function endRound(running: RunningHistory, round: Round): Promise<void> {
  const { machine, model, counts, trace } = running
  const { aftermath } = round
  if (aftermath === 'power-cut' || aftermath === 'files-cut' || aftermath === 'reboot') {
    trace.push(aftermath)
    if (aftermath === 'reboot') await machine.reboot()
    else {
      counts.powerCuts++
      if (aftermath === 'power-cut' && machine.hasOwnDisk) await machine.cutPower()
      else await machine.cutFiles(createCoin(round.coins))
    }
    for (const attribute of model.attributes('published:')) {
      const values = [...model.possible(attribute)]
      // Links outlive the machine, mounts do not; a link whose folder nobody synced may be there again.
      if (!machine.hasOwnDisk) {
        model.set(attribute, aftermath === 'reboot' ? values : ['rw', no])
        continue
      }
      model.set(
        attribute,
        values.map((value) => (value === no ? no : forgotten)),
      )
    }
  }
  if (aftermath === 'database-lost' || aftermath === 'log-lost') {
    trace.push(aftermath)
    running.databaseWasLost = true
    if (aftermath === 'log-lost') loseLog(running)
    loseReleases(running)
    await machine.loseDatabase(aftermath === 'log-lost' ? 'log' : 'all')
  }
}

/** A coin that falls the same way for the same seed (xorshift). */
function createCoin(seed: number): () => boolean {
  let state = seed | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state & 0x10) !== 0
  }
}

async function runLane(
  running: RunningHistory,
  life: DriverLife,
  round: Round,
  who: string,
  calls: readonly Call[],
): Promise<void> {
  const client = life.createClient()
  try {
    for (const call of calls) {
      if (!life.isAlive()) return
      if (call.do === 'write') await runWrite(running, round, who, call)
      else await runCall(running, { life, round, who, client }, call)
    }
  } finally {
    client.close()
  }
}

/** A workload writes where it definitely may; nobody takes the volume away from it meanwhile. */
async function runWrite(
  running: RunningHistory,
  round: Round,
  who: string,
  call: Call & { do: 'write' },
): Promise<void> {
  const { model, machine, beingWritten, trace } = running
  const id = volumeID(call.volume)
  const content = `content:${id}`
  const published = `published:${id}:${call.target}`
  const known = model.possible(published)
  const isFree = [content, published, `volume:${id}`, `attached:${id}`].every((attribute) =>
    model.isQuiet(attribute),
  )
  if (known.size !== 1 || !known.has('rw') || !isFree || beingWritten.has(id)) return
  const kind = kindOfVolume(call.volume)
  const target = join(machine.targets, `t${call.target}`)
  const write = (async () => {
    model.observe(content, await readContent(target, kind), `where ${who} sees it`)
    const before = [...model.possible(content)]
    // A copy that is live may have any of it.
    const ticket = model.begin(`${who} writes`, { [content]: before })
    const after = await writeContent(target, kind, call).then(
      () => readContent(target, kind),
      (error: unknown) => {
        if (isUndisturbed(round)) throw error
        // A full disk is the workload's own affair: whatever it wrote half is what it has.
        return anything
      },
    )
    model.succeed(ticket, { [content]: [after] })
    trace.push(`${who}: ${JSON.stringify(call)} → ${[...model.possible(content)].join(' or ')}`)
  })()
  beingWritten.set(id, write)
  try {
    await write
  } finally {
    beingWritten.delete(id)
  }
}

interface Sender {
  readonly life: DriverLife
  readonly round: Round
  readonly who: string
  readonly client: PluginClient
}

async function runCall(
  running: RunningHistory,
  sender: Sender,
  call: Exclude<Call, { do: 'write' }>,
): Promise<void> {
  const { model, beingWritten, counts, trace } = running
  const { who, client, life } = sender
  for (const id of 'volume' in call ? [volumeID(call.volume)] : []) await beingWritten.get(id)
  let planned = planCall(running, call)
  for (const id of planned.volumeIDs) {
    while (beingWritten.has(id)) {
      await beingWritten.get(id)
      planned = planCall(running, call)
    }
  }
  const ticket = model.begin(planned.title, planned.effects, planned.ifNew)
  const touched = touchesOf(running, planned)
  counts.calls++
  const answered = (answer: string) => {
    const key = `${call.do} ${answer}`
    counts.answers.set(key, (counts.answers.get(key) ?? 0) + 1)
  }
  try {
    const told = await planned.send(client)
    answered('OK')
    trace.push(`${who}: ${planned.title} → OK ${JSON.stringify(told)}`)
    checkRequirements(running, planned, ticket)
    model.succeed(ticket, told)
  } catch (error) {
    if (!(error instanceof PluginError)) throw error
    answered(error.codeName)
    trace.push(`${who}: ${planned.title} → ${error.codeName} ${error.details}`)
    if (isRefusal(error, sender)) model.fail(ticket)
    if (life.isAlive()) checkError(running, sender, planned, error, touched)
  }
}

const touchesOf = ({ model }: RunningHistory, { about }: PlannedCall): number =>
  about === undefined ? 0 : model.touched(about)

/** Whether an answer says for sure that nothing was changed. */
function isRefusal(error: PluginError, { round }: Sender): boolean {
  if (error.errorClass === 'unsupported') return true
  if (error.code === status.INVALID_ARGUMENT) return true
  const isSurePerCode: readonly status[] = [
    status.NOT_FOUND,
    status.ALREADY_EXISTS,
    status.FAILED_PRECONDITION,
    status.OUT_OF_RANGE,
    status.ABORTED,
  ]
  if (isSurePerCode.includes(error.code)) return true
  // Where nothing is made to fail, there is only one reason for it: the promises are all given.
  return error.code === status.RESOURCE_EXHAUSTED && isUndisturbed(round)
}

const isUndisturbed = ({ disturbance }: Round): boolean =>
  disturbance.failures.length === 0 && disturbance.freeKibibytes === undefined

/** OK where it could not be: a volume deleted while it was mounted, a mount where another one was. */
function checkRequirements(
  { model }: RunningHistory,
  { requires = {}, title }: PlannedCall,
  ticket: Parameters<Model['duringCall']>[0],
): void {
  for (const [attribute, allowed] of Object.entries(requires)) {
    const possible = model.duringCall(ticket, attribute)
    if (!allowed.some((value) => possible.has(value))) {
      throw new Violation(`${title} was answered OK, while ${attribute} was ${[...possible].join(' or ')}`)
    }
  }
}

function checkError(
  running: RunningHistory,
  { round, life }: Sender,
  { title, about }: PlannedCall,
  error: PluginError,
  touched: number,
): void {
  const said = `${title} was answered ${error.codeName} (${error.details})`
  if (error.errorClass === 'broken-answer') throw new Violation(said)
  // A deletion that broke off half way may have come as far as the data.
  const mayBeEnding = about !== undefined && running.model.possible(about).has(no)
  if (error.code === status.DATA_LOSS && about?.startsWith('volume:') && !mayBeEnding) {
    throw new Violation(`${said}, and no data was taken away`)
  }
  const isFault = error.code === status.INTERNAL || error.code === status.UNKNOWN
  if (isFault && isUndisturbed(round) && life.isAlive())
    throw new Violation(`${said}, and nothing had failed`)
  if (error.code === status.NOT_FOUND && about !== undefined) {
    const possible = running.model.possible(about)
    const isSame = running.model.touched(about) === touched && running.model.isQuiet(about)
    if (isSame && !possible.has('no')) throw new Violation(`${said}, and ${about} is there for sure`)
  }
}

import { once } from 'node:events'
import { flushCompileCache } from 'node:module'
import { startDriver } from '../../src/driver/driver.ts'
import { systemFileOperations } from '../../src/driver/file-operations.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { errorMessage, UsageError } from '../../src/lib/errors.ts'
import { createLog, logLevels, silentLog } from '../../src/lib/log.ts'
import { disturbFiles } from './disturbed-files.ts'
import type { Disturbing, DriverNews, DriverOrders } from './driver-life.ts'
import { noteUnsynced } from './unsynced-files.ts'

const die = () => void process.kill(process.pid, 'SIGKILL')
// Whoever gave the orders is gone: nobody is left to end this process.
process.once('disconnect', die)
flushCompileCache()
// Everything is loaded by now; the orders say when it begins.
const [orders] = (await once(process, 'message')) as [DriverOrders]
// To see what the driver itself says while one history runs again.
const logLevel = logLevels.find((level) => level === process.env.MOORING_TORTURE_LOG)
const say = (news: DriverNews) => process.send?.(news)

const disturbed = disturbFiles(noteUnsynced(systemFileOperations, orders.unsynced), {
  onFailure: (operation) => say({ type: 'failed-operation', operation }),
  die,
})
const disturb = (disturbing: Disturbing) => {
  disturbed.arm(disturbing)
  const { kill } = disturbing
  if (kill !== undefined && 'ms' in kill) setTimeout(die, kill.ms)
}
disturb({ kill: orders.death, failures: [] })
process.on('message', disturb)

try {
  const driver = await startDriver({
    endpoint: orders.endpoint,
    poolDirectory: orders.pool,
    nodeID: 'node-1',
    poolBytes: orders.poolBytes,
    snapshotWaitMs: 100,
    files: disturbed.files,
    log: logLevel === undefined ? silentLog : createLog(logLevel),
    clock: systemClock,
  })
  say({ type: 'ready' })
  process.once('SIGTERM', () => driver.close().finally(() => process.exit(0)))
} catch (error) {
  say({ type: 'refused', message: errorMessage(error), isPlain: error instanceof UsageError })
  process.exitCode = 1
  process.off('disconnect', die)
  process.disconnect()
}

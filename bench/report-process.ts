import process from 'node:process'

/**
 * Loaded into a process that is measured (`--import`, with `--expose-gc`): on SIGUSR2 it writes to standard error the
 * longest that its event loop was held up since the last time, and what lives in its memory once the garbage is gone.
 */
const everyMs = 2
let longestStallMs = 0
let wall = performance.now()
let cpu = cpuMs()
setInterval(() => {
  const nextWall = performance.now()
  const nextCpu = cpuMs()
  // What the system gave to other processes meanwhile is no fault of this one.
  longestStallMs = Math.max(longestStallMs, Math.min(nextWall - wall, nextCpu - cpu) - everyMs)
  wall = nextWall
  cpu = nextCpu
}, everyMs).unref()

/** Of the thread that the event loop runs on. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

process.on('SIGUSR2', () => {
  const stallMs = longestStallMs
  const { gc } = globalThis
  gc?.()
  const { heapUsed, external, rss } = process.memoryUsage()
  process.stderr.write(
    `${JSON.stringify({ msg: 'report', longestStallMs: stallMs, liveBytes: heapUsed + external, rssBytes: rss })}\n`,
  )
  // The collection held it up, too.
  setTimeout(() => {
    longestStallMs = 0
  }, 100)
})

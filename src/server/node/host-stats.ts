import { statfsSync } from 'node:fs'
import { cpus, freemem, totalmem, uptime } from 'node:os'
import { unixNanoseconds } from '../times.ts'

/** What Nomad's client tells of its machine, in bytes, seconds and percent, as far as the operating system says it. */
export function hostStats(dataDirectory: string, nowMs: number) {
  const disk = statfsSync(dataDirectory)
  const size = disk.blocks * disk.bsize
  const used = (disk.blocks - disk.bfree) * disk.bsize
  const diskStats = {
    Device: '',
    Mountpoint: dataDirectory,
    Size: size,
    Used: used,
    Available: disk.bavail * disk.bsize,
    UsedPercent: percent(used, size),
    InodesUsedPercent: percent(disk.files - disk.ffree, disk.files),
  }
  return {
    Memory: { Total: totalmem(), Free: freemem(), Available: freemem(), Used: totalmem() - freemem() },
    CPU: cpus().map(({ times }, at) => {
      const total = Object.values(times).reduce((sum, spent) => sum + spent, 0)
      return {
        CPU: `cpu${at}`,
        User: percent(times.user, total),
        System: percent(times.sys, total),
        Idle: percent(times.idle, total),
        TotalPercent: percent(total - times.idle, total),
        TotalTicks: 0,
      }
    }),
    DiskStats: [diskStats],
    AllocDirStats: diskStats,
    DeviceStats: null,
    Uptime: Math.floor(uptime()),
    CPUTicksConsumed: 0,
    Timestamp: unixNanoseconds(nowMs),
  }
}

const percent = (part: number, whole: number) => (whole === 0 ? 0 : (part / whole) * 100)

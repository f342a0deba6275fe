import { hostname } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'
import { startDriver } from '../driver/driver.ts'
import { systemClock } from '../lib/clock.ts'
import { createLog, type LogLevel } from '../lib/log.ts'
import { waitForShutdown } from '../lib/shutdown.ts'
import { logLevelOption } from './options.ts'

interface DriverFlags {
  readonly endpoint: string
  readonly pool: string
  readonly nodeId: string
  readonly topology: Readonly<Record<string, string>>
  readonly capacity?: number
  readonly publish: 'auto' | 'bind' | 'symlink'
  readonly logLevel: LogLevel
}

/** `mooring driver`: the CSI plugin whose volumes are directories of this machine. */
export function driverCommand(): Command {
  return new Command('driver')
    .description('Serve a CSI plugin whose volumes are directories of this machine')
    .requiredOption('--endpoint <address>', 'where to listen: unix:///path')
    .requiredOption('--pool <directory>', 'where volumes and snapshots are kept')
    .option('--node-id <id>', 'what this machine is called in answers', hostname())
    .option('--topology <key=value>', 'a topology segment of this machine (may be repeated)', addSegment, {})
    .option(
      '--capacity <bytes>',
      'what all volumes together may be promised; default: the file system',
      parseBytes,
    )
    .addOption(
      new Option('--publish <method>', 'how volumes appear where workloads want them')
        .choices(['auto', 'bind', 'symlink'])
        .default('auto', 'auto: bind mounts where this process may mount'),
    )
    .addOption(logLevelOption())
    .action(async (flags: DriverFlags) => {
      const log = createLog(flags.logLevel)
      const driver = await startDriver({
        endpoint: flags.endpoint,
        poolDirectory: flags.pool,
        nodeID: flags.nodeId,
        topology: flags.topology,
        publish: flags.publish,
        ...(flags.capacity !== undefined && { poolBytes: flags.capacity }),
        log,
        clock: systemClock,
      })
      const signal = await waitForShutdown(systemClock)
      log.info({ signal }, 'driver stopping')
      await driver.close()
    })
}

function addSegment(text: string, segments: Record<string, string>): Record<string, string> {
  const [, key, value] = /^([^=]+)=(.+)$/.exec(text) ?? []
  if (key === undefined || value === undefined) {
    throw new InvalidArgumentError('A topology segment is written as key=value.')
  }
  return { ...segments, [key]: value }
}

function parseBytes(text: string): number {
  const bytes = Number(text)
  if (!Number.isSafeInteger(bytes) || bytes <= 0) {
    throw new InvalidArgumentError('Give a whole number of bytes.')
  }
  return bytes
}

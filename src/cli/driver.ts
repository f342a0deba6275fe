import { hostname } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'
import { startDriver } from '../driver/driver.ts'
import { systemClock } from '../lib/clock.ts'
import { waitForShutdown } from '../lib/shutdown.ts'
import { type LogFlags, logOptions, openLog } from './log-options.ts'
import { collectOption } from './options.ts'

interface DriverFlags extends LogFlags {
  readonly endpoint: string
  readonly pool: string
  readonly nodeId: string
  readonly topology: Readonly<Record<string, string>>
  readonly capacity?: number
  readonly publish: 'auto' | 'bind' | 'symlink'
}

/** `mooring driver`: the CSI plugin whose volumes are directories of this machine. */
export function driverCommand(): Command {
  const command = new Command('driver')
    .description('Serves a CSI plugin whose volumes are directories of this machine.')
    .addOption(
      new Option('--endpoint <address>', 'socket to listen at: unix:///path')
        .makeOptionMandatory()
        .env('MOORING_ENDPOINT'),
    )
    .addOption(
      new Option('--pool <directory>', 'folder of the volumes and snapshots')
        .makeOptionMandatory()
        .env('MOORING_POOL'),
    )
    .addOption(
      new Option('--node-id <id>', 'name of this machine in answers to clients')
        .default(hostname(), "the machine's host name")
        .env('MOORING_NODE_ID'),
    )
    .addOption(
      new Option('--topology <key=value>', 'a topology segment of this machine; may be given more than once')
        .argParser(collectSegments)
        .default({}, 'none')
        .env('MOORING_TOPOLOGY'),
    )
    .addOption(
      new Option(
        '--capacity <bytes>',
        'most bytes that all volumes together are promised; default: the size of the file system',
      )
        .argParser(parseBytes)
        .env('MOORING_CAPACITY'),
    )
    .addOption(
      new Option('--publish <method>', 'how a volume appears at the path that a workload uses')
        .choices(['auto', 'bind', 'symlink'])
        .default('auto', 'auto: bind mounts where this process may mount')
        .env('MOORING_PUBLISH'),
    )
  for (const option of logOptions()) command.addOption(option)
  return command
    .addHelpText(
      'after',
      `
Examples:
  mooring driver --endpoint unix:///run/csi/csi.sock --pool /srv/volumes
  mooring driver --endpoint unix:///run/csi.sock --pool /srv/v --capacity 1Ti`,
    )
    .action(async (flags: DriverFlags) => {
      const log = openLog(flags)
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

/** One `key=value` a line. The environment and a config file may hold several. */
function collectSegments(text: string, before: Record<string, string> = {}): Record<string, string> {
  return collectOption(text).reduce((segments, line) => addSegment(line, segments), before)
}

function addSegment(text: string, segments: Record<string, string>): Record<string, string> {
  const [, key, value] = /^([^=]+)=(.+)$/.exec(text) ?? []
  if (key === undefined || value === undefined) {
    throw new InvalidArgumentError('write key=value.')
  }
  return { ...segments, [key]: value }
}

function parseBytes(text: string): number {
  const bytes = Number(text)
  if (!Number.isSafeInteger(bytes) || bytes <= 0) {
    throw new InvalidArgumentError('write a whole number of bytes.')
  }
  return bytes
}

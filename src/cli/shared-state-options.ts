import { InvalidArgumentError, Option } from 'commander'
import { defaultLeadershipTimes } from '../operator/replicas/leadership.ts'
import { parseDurationOption } from './options.ts'

export function sharedStateOptions(): Option[] {
  const duration = (name: string, does: string, defaultMs: number, variable: string) =>
    new Option(`--${name} <duration>`, does)
      .argParser(parseDurationOption)
      .default(defaultMs, `${defaultMs / 1000}s`)
      .env(variable)
  const { leaseMs, renewDeadlineMs, retryMs } = defaultLeadershipTimes
  return [
    new Option(
      '--inventory <where>',
      'where the inventory is kept: a file of the data directory, or Nomad Variables or objects of Kubernetes, which replicas share (default: kubernetes with --kubernetes, else file)',
    )
      .choices(['file', 'nomad', 'kubernetes'])
      .env('MOORING_INVENTORY'),
    new Option('--instance <name>', 'which operator this is a replica of, where the inventory is shared')
      .argParser(parseInstance)
      .default('default')
      .env('MOORING_INSTANCE'),
    duration('lease-duration', 'how long a replica leads without renewal', leaseMs, 'MOORING_LEASE_DURATION'),
    duration(
      'lease-renew-deadline',
      'a leader without renewal for so long starts nothing more',
      renewDeadlineMs,
      'MOORING_LEASE_RENEW_DEADLINE',
    ),
    duration(
      'lease-retry-period',
      'between two attempts to renew or to lead',
      retryMs,
      'MOORING_LEASE_RETRY_PERIOD',
    ),
  ]
}

/** Of what a Nomad Variable's path takes; with the rest of the path it is within its 128 characters. */
function parseInstance(text: string): string {
  if (!/^[a-z0-9-]{1,40}$/.test(text))
    throw new InvalidArgumentError('write up to 40 lower-case letters, digits and dashes.')
  return text
}

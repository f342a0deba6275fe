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
      'where the inventory is kept: in a file of the data directory, or where replicas share it, in Nomad Variables or in objects of Kubernetes (default: kubernetes with --kubernetes, otherwise file)',
    )
      .choices(['file', 'nomad', 'kubernetes'])
      .env('MOORING_INVENTORY'),
    new Option(
      '--instance <name>',
      'name of the operator that this is a replica of, where the inventory is shared',
    )
      .argParser(parseInstance)
      .default('default')
      .env('MOORING_INSTANCE'),
    duration(
      'lease-duration',
      'how long a replica leads without renewing its lease',
      leaseMs,
      'MOORING_LEASE_DURATION',
    ),
    duration(
      'lease-renew-deadline',
      'how long without renewing it a leader goes on starting work',
      renewDeadlineMs,
      'MOORING_LEASE_RENEW_DEADLINE',
    ),
    duration(
      'lease-retry-period',
      'time between two attempts to renew the lease or to take it',
      retryMs,
      'MOORING_LEASE_RETRY_PERIOD',
    ),
  ]
}

/** Characters that the path of a Nomad Variable takes. With the rest of the path it stays within 128 of them. */
function parseInstance(text: string): string {
  if (!/^[a-z0-9-]{1,40}$/.test(text))
    throw new InvalidArgumentError('write up to 40 lower-case letters, digits and dashes.')
  return text
}

/**
 * The one table of what the Volumes API answers when it does not do what was asked, and of what may
 * happen on the way there. Nomad answers nearly every failure with 500 and a text (its structs/errors.go
 * and csi_endpoint.go), Mooring's own server with a status that says what happened; clients match
 * substrings. The first row that matches decides.
 */
import { type ErrorKind, OperationError } from '../lib/errors.ts'
import { parsePluginError, toOneLine } from './answer-text.ts'

/** What was asked of the API, as far as it decides what a failure means. */
export interface Call {
  /** For people: `create volume "data" in namespace "default"`. */
  readonly title: string
  readonly type: 'read' | 'write' | 'create volume' | 'delete volume' | 'delete snapshot'
}

interface Verdict {
  readonly kind: ErrorKind
  /** CamelCase, for conditions. */
  readonly reason: string
  /** Instead of the answer's own text. */
  readonly message?: string
  /** Of an ambiguous one: whether it happened is in doubt, and not that it has ended. */
  readonly isOver?: boolean
}

interface Row extends Verdict {
  readonly text: RegExp
}

/** Claims are freed within seconds of an allocation's end; a watch usually tells before this. */
const inUseRetryAfterMs = 30_000

const permanent = (reason: string): Verdict => ({ kind: 'permanent', reason })
const transient = (reason: string): Verdict => ({ kind: 'transient', reason })
const ambiguous = (reason: string): Verdict => ({ kind: 'ambiguous', reason })
const waiting = (reason: string): Verdict => ({ kind: 'waiting', reason })

/** Texts in which Nomad itself says no, whatever the status. */
const textRows: readonly Row[] = [
  // Claims. `plugin in use` and a busy snapshot read alike.
  { text: /volume in use:|\bis in use\b|while volume is in use|because it is in use/, ...waiting('InUse') },

  // Absence.
  { text: /nonexistent namespace|Namespace not found/, ...permanent('NamespaceNotFound') },
  { text: /volume not found|no such volume/, ...transient('VolumeNotFound') },
  { text: /snapshot not found|no such snapshot/, ...transient('SnapshotNotFound') },
  {
    text: /no CSI plugin named|plugin missing|plugin not found|no such plugin|plugin "[^"]*" for volume/,
    ...transient('PluginNotFound'),
  },

  // Detach, in every release since 1.4: it looks for an allocation that it was not told, and does nothing.
  {
    text: /Unknown allocation/,
    ...waiting('DetachUnsupported'),
    message:
      'this release of Nomad fails before it does anything (Unknown allocation). It frees claims of ended allocations by itself, within minutes or after the next write of a CSI volume; where it does not, nomad volume deregister -force lets go of them, and Mooring registers the volume again',
  },

  // The plugin is there, and cannot be reached.
  {
    text: /no healthy controllers for CSI plugin|failed to find (instances of|clients running) controller plugin|CSI client error \(retryable\)|No path to node/,
    ...transient('PluginUnavailable'),
  },
  // Two minutes long Nomad looked for the plugin's socket, and asked it for nothing.
  { text: /timeout while connecting to gRPC socket/, ...transient('PluginUnavailable') },
  // Also said while no instance of the controller has been fingerprinted, so that it proves nothing:
  // what a plugin cannot do is decided from Read Plugin, with a healthy controller.
  {
    text: /plugin has no controller|does not support|unimplemented for this plugin|not implemented by this controller/,
    ...transient('Unsupported'),
  },

  // The cluster. Without a leader nothing was done; one that was lost may have done it.
  {
    text: /No cluster leader|Not ready to serve consistent reads|no servers|No path to region/,
    ...transient('NoLeader'),
  },
  {
    text: /leadership lost|leadership transfer|node is not the leader|raft is already shutdown|timed out enqueuing/,
    ...ambiguous('LeadershipLost'),
  },
  {
    text: /(^|[ :])EOF\s*$|session (open|shutdown)|connection reset by peer|broken pipe|i\/o timeout|context deadline exceeded/,
    ...ambiguous('AnswerLost'),
  },

  // The address: what Go's server answers to a request in the clear.
  {
    text: /Client sent an HTTP request to an HTTPS server/,
    ...permanent('TLSRequired'),
    message: 'Nomad speaks TLS there: write https:// in NOMAD_ADDR (--nomad-addr)',
  },

  // The declaration.
  { text: /cannot be updated|not compatible with existing/, ...permanent('ImmutableField') },
  {
    text: /unsupported capacity_range|less than or equal to|LimitBytes cannot be less/,
    ...permanent('CapacityUnsupported'),
  },
  {
    text: /validation: |capability validation failed|missing |unknown volume (access|attachment) mode|not compatible|does not exist/,
    ...permanent('InvalidVolume'),
  },
  { text: /volume "[^"]*" could not be found/, ...permanent('ExternalVolumeNotFound') },
  // Our server, for a definition that is there already. Only a read says by whom.
  { text: /already exists/, ...ambiguous('AlreadyExists') },
]

/**
 * What the plugin said, by the error tables of the CSI spec. A code that may mean "still running" is
 * ambiguous.
 */
function judgePluginError(code: string, description: string, text: string, call: Call): Verdict {
  switch (code) {
    case 'InvalidArgument':
      return permanent('InvalidArgument')
    case 'OutOfRange':
      return permanent('CapacityUnsupported')
    case 'AlreadyExists':
      return permanent('NameConflict')
    case 'PermissionDenied':
    case 'Unauthenticated':
      return permanent('PluginPermissionDenied')
    case 'Unimplemented':
      return permanent('Unsupported')
    case 'NotFound':
      if (call.type === 'delete snapshot') return transient('SnapshotNotFound')
      // Create on a volume that exists is an expansion, and then it is the volume that is missing.
      if (call.type === 'create volume' && !/expand/i.test(text)) return permanent('SourceNotFound')
      return permanent('ExternalVolumeNotFound')
    case 'FailedPrecondition':
      if (/cannot be expanded online/.test(text)) return waiting('OfflineExpansionOnly')
      // In use at the provider, or it has snapshots that the plugin cannot do without; nothing was altered.
      if (call.type === 'delete volume') return waiting('DeleteRefused')
      if (call.type === 'delete snapshot') return waiting('InUse')
      return transient('FailedPrecondition')
    case 'Aborted':
      // Another call for the same name or ID is under way, and may yet succeed.
      return ambiguous('OperationPending')
    case 'ResourceExhausted':
      return transient('ResourceExhausted')
    case 'Unavailable':
      // A connection that was never made carried nothing; one that broke did so because the plugin ended.
      return /while dialing|connection refused|no such file/.test(description)
        ? transient('PluginUnavailable')
        : { ...ambiguous('PluginUnavailable'), isOver: true }
    case 'DeadlineExceeded':
    case 'Canceled':
      return ambiguous('PluginDeadlineExceeded')
    default:
      return transient('PluginError')
  }
}

/** What the status alone says, for texts that no row knows. */
function judgeStatus(status: number): Verdict {
  if (status >= 300 && status < 400) return permanent('UnexpectedRedirect')
  switch (status) {
    case 400:
    case 413:
      return permanent('InvalidRequest')
    case 404:
    case 405:
    case 501:
      return permanent('UnsupportedByServer')
    case 409:
      return waiting('InUse')
    case 422:
      return permanent('PluginRefused')
    case 503:
      return transient('PluginUnavailable')
    case 504:
      return ambiguous('PluginDeadlineExceeded')
    default:
      // An unknown failure of a write proves nothing about what was done before it.
      return status >= 500 ? ambiguous('NomadError') : permanent('InvalidRequest')
  }
}

function judge(status: number, text: string, call: Call): Verdict {
  if (status === 429) return transient('TooManyRequests')
  // Before all texts, because Nomad answers 403 for whatever ends in "Permission denied", a plugin's error too,
  // and drops the rest of the text.
  if (status === 401 || status === 403) {
    return {
      ...permanent('PermissionDenied'),
      message: `${toOneLine(text)} (the token lacks a right, or the plugin was denied one by its provider)`,
    }
  }
  const plugin = parsePluginError(text)
  if (plugin) {
    return {
      ...judgePluginError(plugin.code, plugin.description, text, call),
      message: `the plugin answered ${plugin.code}: ${plugin.description}`,
    }
  }
  const verdict = textRows.find((row) => row.text.test(text)) ?? judgeStatus(status)
  // Nomad looks for the namespace after the plugin has made the volume, and leaves that behind.
  return verdict.reason === 'NamespaceNotFound' && call.type === 'create volume'
    ? ambiguous('NamespaceNotFound')
    : verdict
}

/** The error of an answer that is not a success. Never holds anything of the request but its title. */
export function classifyAnswer(status: number, text: string, call: Call): OperationError {
  const verdict = judge(status, text, call)
  return createError(verdict, call, verdict.message ?? (toOneLine(text) || `status ${status} without a text`))
}

/**
 * The error of a call that got no whole answer. `sent`: whether anything of the request may have left
 * this process; until then nothing can have happened.
 */
export function classifyLostAnswer(
  cause: unknown,
  sent: boolean,
  message: string,
  call: Call,
): OperationError {
  const verdict = sent ? ambiguous('AnswerLost') : transient('NomadUnreachable')
  return createError(verdict, call, message, cause)
}

/** The error of a success whose body is not what the API gives. */
export function classifyNonsense(message: string, call: Call, cause?: unknown): OperationError {
  return createError(ambiguous('InvalidAnswer'), call, message, cause)
}

function createError(verdict: Verdict, call: Call, message: string, cause?: unknown): OperationError {
  // Reading changes nothing, so it is never in doubt whether it happened.
  const kind = verdict.kind === 'ambiguous' && call.type === 'read' ? 'transient' : verdict.kind
  const reason = verdict.reason === 'AnswerLost' && call.type === 'read' ? 'NomadUnreachable' : verdict.reason
  return new OperationError(`${call.title}: ${message}`, {
    kind,
    reason,
    ...(verdict.isOver === true && { isOver: true }),
    ...(kind === 'waiting' && { retryAfterMs: inUseRetryAfterMs }),
    ...(cause !== undefined && { cause }),
  })
}

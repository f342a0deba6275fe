/**
 * The table of all failures of the Volumes API. Nomad answers nearly every failure with status 500 and a text
 * (structs/errors.go, csi_endpoint.go); Mooring's own server answers with a status that says what happened. So the text
 * comes first, and the first row that matches decides.
 */
import { type ErrorKind, OperationError } from '../lib/errors.ts'
import { parseJSON } from '../lib/json.ts'
import { advise } from '../lib/reasons/explanation.ts'
import { type Reason, reasons, type StallReason } from '../lib/reasons/reasons.ts'
import { parsePluginError, toOneLine } from './answer-text.ts'

/** What a request is for. It decides what a failure means. */
export interface Purpose {
  /** For messages: `create volume "data" in namespace "default"`. */
  readonly title: string
  readonly type: 'read' | 'write' | 'create volume' | 'delete volume' | 'delete snapshot'
}

interface Verdict {
  readonly kind: ErrorKind
  /** CamelCase, for conditions of a status. */
  readonly reason: Reason
  /** In place of the answer's own text. */
  readonly message?: string
  /** Only for ambiguous ones: it has ended, though nobody knows how. */
  readonly isOver?: boolean
  /** The plugin made something, and its answer cannot be used. */
  readonly brokenAnswer?: { readonly externalID?: string }
}

interface Row extends Verdict {
  readonly text: RegExp
}

/** Claims are freed within seconds after an allocation ends. Usually a watch reports it earlier. */
const inUseRetryAfterMs = 30_000

const permanent = (reason: StallReason): Verdict => ({ kind: 'permanent', reason })
const transient = (reason: Reason): Verdict => ({ kind: 'transient', reason })
const ambiguous = (reason: Reason): Verdict => ({ kind: 'ambiguous', reason })
const waiting = (reason: Reason): Verdict => ({ kind: 'waiting', reason })

/** Texts of Nomad itself, whatever the status. */
const textRows: readonly Row[] = [
  // Claims. The texts for a plugin in use and for a busy snapshot look the same.
  {
    text: /volume in use:|\bis in use\b|in use by alloc|while volume is in use|because it is in use/,
    ...waiting('InUse'),
  },

  // Host volumes. The name is known by the node's own client, whatever Nomad lists. Nothing was made.
  { text: /volume name already exists on this node/, ...permanent('NameConflict') },
  // The node went or changed since it was chosen.
  { text: /could not place volume/, ...transient('NodeNotFeasible') },

  // Something is missing.
  { text: /nonexistent namespace|Namespace not found/, ...permanent('NamespaceNotFound') },
  { text: /volume not found|no such volume/, ...transient('VolumeNotFound') },
  { text: /no node with ID/, ...permanent('NodeNotFound') },
  { text: /snapshot not found|no such snapshot/, ...transient('SnapshotNotFound') },
  {
    text: /no CSI plugin named|plugin missing|plugin not found|no such plugin|plugin "[^"]*" for volume/,
    ...transient('PluginNotFound'),
  },

  // Detach, in every release since 1.4: Nomad looks for an allocation that the request does not name, and gives up.
  {
    text: /Unknown allocation/,
    ...waiting('DetachUnsupported'),
    message: `this release of Nomad cannot detach: it fails before it does anything (Unknown allocation). ${advise(reasons.DetachUnsupported.person.wait())}`,
  },

  // The plugin exists but cannot be reached.
  {
    text: /no healthy controllers for CSI plugin|failed to find (instances of|clients running) controller plugin|CSI client error \(retryable\)|No path to node/,
    ...transient('PluginUnavailable'),
  },
  // Nomad waited two minutes for the plugin's socket and sent nothing.
  { text: /timeout while connecting to gRPC socket/, ...transient('PluginUnavailable') },
  // Nomad says this also before the first fingerprint of the controller, so it proves nothing. What a plugin cannot do
  // is decided from Read Plugin, with a healthy controller.
  {
    text: /plugin has no controller|does not support|unimplemented for this plugin|not implemented by this controller/,
    ...transient('Unsupported'),
  },

  // The cluster. Without a leader nothing was done. A leader that was lost may have done it.
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

  // The address: Go's TLS server answers this to plain HTTP.
  {
    text: /Client sent an HTTP request to an HTTPS server/,
    ...permanent('TLSRequired'),
    message: `Nomad speaks TLS there. ${advise(reasons.TLSRequired.person.https())}`,
  },

  // The declaration.
  { text: /cannot be updated|not compatible with existing/, ...permanent('ImmutableField') },
  {
    text: /unsupported capacity_range|less than or equal to|LimitBytes cannot be less/,
    ...permanent('CapacityUnsupported'),
  },
  {
    text: /validation: |(?:capability|volume) validation failed|missing |unknown volume (access|attachment) mode|not compatible|does not exist/,
    ...permanent('InvalidVolume'),
  },
  { text: /volume "[^"]*" could not be found/, ...permanent('ExternalVolumeNotFound') },
  // Mooring's server, where the volume exists already. Only a read shows who made it.
  { text: /already exists/, ...ambiguous('AlreadyExists') },
]

/**
 * Judges a plugin's error by the error tables of the CSI specification. A code is ambiguous where the call may still be
 * running.
 */
function judgePluginError(code: string, description: string, text: string, purpose: Purpose): Verdict {
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
      if (purpose.type === 'delete snapshot') return transient('SnapshotNotFound')
      // Create on an existing volume expands it. Then the volume is missing, not its source.
      if (purpose.type === 'create volume' && !/expand/i.test(text)) return permanent('SourceNotFound')
      return permanent('ExternalVolumeNotFound')
    case 'FailedPrecondition':
      if (/cannot be expanded online/.test(text)) return waiting('OfflineExpansionOnly')
      // The provider still uses it, or it has snapshots that depend on it. Nothing has changed.
      if (purpose.type === 'delete volume') return waiting('DeleteRefused')
      if (purpose.type === 'delete snapshot') return waiting('InUse')
      return transient('FailedPrecondition')
    case 'Aborted':
      // Another call for the same name or ID is running and may still succeed.
      return ambiguous('OperationPending')
    case 'ResourceExhausted':
      return transient('ResourceExhausted')
    case 'Unavailable':
      // Nothing was sent where no connection was made. A connection that broke means that the plugin has ended.
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

/**
 * Judges an answer by which a plugin breaks CSI, as Mooring's server reports it: something was made, and it cannot be used.
 * undefined for any other failure. A list that was not understood is simply read again.
 */
function judgeBrokenAnswer(description: string, { type }: Purpose): Verdict | undefined {
  const [, clause, made] =
    /the answer breaks CSI [\d.]+: (.*?)(?: \(made: (".*")\))?$/.exec(description) ?? []
  if (clause === undefined || type === 'read') return undefined
  const externalID = made === undefined ? undefined : (parseJSON(made) as string) // The pattern allows a text only.
  return {
    ...permanent('BrokenAnswer'),
    message:
      `the plugin did it, but its answer breaks CSI, so the result is not used: ${clause}${made === undefined ? '' : ` (it made ${made})`}. ` +
      advise(reasons.BrokenAnswer.person.mend(), reasons.BrokenAnswer.person.giveUp()),
    brokenAnswer: externalID === undefined ? {} : { externalID },
  }
}

/** By the status alone, where no row knows the text. */
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
      // Part of the write may have happened before an unknown failure.
      return status >= 500 ? ambiguous('NomadError') : permanent('InvalidRequest')
  }
}

function judge(status: number, text: string, purpose: Purpose): Verdict {
  if (status === 429) return transient('TooManyRequests')
  // Before all texts: Nomad answers 403 to whatever ends in "Permission denied", even if a plugin said it, and drops
  // the rest of the text.
  if (status === 401 || status === 403) {
    return {
      ...permanent('PermissionDenied'),
      message: `${toOneLine(text)} (the Nomad token lacks a right, or the storage provider refused the plugin)`,
    }
  }
  const plugin = parsePluginError(text)
  const broken = plugin && judgeBrokenAnswer(plugin.description, purpose)
  if (broken !== undefined) return broken
  if (plugin) {
    return {
      ...judgePluginError(plugin.code, plugin.description, text, purpose),
      message: `the plugin answered ${plugin.code}: ${plugin.description}`,
    }
  }
  const verdict = textRows.find((row) => row.text.test(text)) ?? judgeStatus(status)
  // Nomad checks the namespace only after the plugin has made the volume, and leaves that volume behind.
  return verdict.reason === 'NamespaceNotFound' && purpose.type === 'create volume'
    ? ambiguous('NamespaceNotFound')
    : verdict
}

/** The error of an answer that is no success. It contains the title of the request and nothing else of it. */
export function classifyAnswer(status: number, text: string, purpose: Purpose): OperationError {
  const verdict = judge(status, text, purpose)
  return createError(
    verdict,
    purpose,
    verdict.message ?? (toOneLine(text) || `status ${status} without a text`),
  )
}

/**
 * The error of a request without a whole answer.
 * @param sent the server may have seen the request; otherwise nothing can have happened
 */
export function classifyLostAnswer(
  cause: unknown,
  sent: boolean,
  message: string,
  purpose: Purpose,
): OperationError {
  const verdict = sent ? ambiguous('AnswerLost') : transient('NomadUnreachable')
  return createError(verdict, purpose, message, cause)
}

/** The error of a success whose body cannot be understood. */
export function classifyNonsense(message: string, purpose: Purpose, cause?: unknown): OperationError {
  return createError(ambiguous('InvalidAnswer'), purpose, message, cause)
}

function createError(verdict: Verdict, purpose: Purpose, message: string, cause?: unknown): OperationError {
  // A read changes nothing, so it does not matter whether it happened.
  const kind = verdict.kind === 'ambiguous' && purpose.type === 'read' ? 'transient' : verdict.kind
  const reason =
    verdict.reason === 'AnswerLost' && purpose.type === 'read' ? 'NomadUnreachable' : verdict.reason
  return new OperationError(`${purpose.title}: ${message}`, {
    kind,
    reason,
    ...(verdict.isOver === true && { isOver: true }),
    ...(verdict.brokenAnswer !== undefined && { brokenAnswer: verdict.brokenAnswer }),
    ...(kind === 'waiting' && { retryAfterMs: inUseRetryAfterMs }),
    ...(cause !== undefined && { cause }),
  })
}

import type { PlantedFault } from '../planted-faults.ts'

const passFile = 'operator/reconcile/pass.ts'

export const effects: readonly PlantedFault[] = [
  {
    name: 'the effect comes before the intent is stored',
    needs: [/"do":"(kill at|weather)"/],
    file: passFile,
    text: `  if (intended !== before) await inventory.put(managedPart(intended))
  const acting = { ...input, record: intended }
  try {
    return await step.act(acting)`,
    replacement: `  const acting = { ...input, record: intended }
  try {
    const acted = await step.act(acting)
    if (intended !== before) await inventory.put(managedPart(intended))
    return acted`,
  },
  {
    name: 'what a step has done is not stored',
    file: passFile,
    text: 'if (!isSame) {\n    if (steps.length > 0) unstored.set(key, managed)',
    replacement: 'if (!isSame && steps.length === 0) {',
  },
  {
    name: 'a pass writes back what a reading has changed in the meantime',
    notFound: 'the next reading writes what it knows again, so nothing is left of it but a delay',
    needs: [/"kind":"slow"/],
    file: 'operator/inventory/stored-inventory.ts',
    text: 'await change(key, (entry) => ({ ...entry, declared: memory.declared(key) ?? declared, managed }))',
    replacement:
      'await change(key, (entry) => ({ ...entry, declared, managed })).then(() => memory.declare(declared))',
  },
  {
    name: 'nothing fences a former leader: it acts on when its Lease is over',
    needs: [/"replicas":2/, /"do":"(pause|weather)"/],
    file: 'operator/replicas/guard-effects.ts',
    text: 'if (!mayAct()) throw notLeader()',
    replacement: '',
  },
  {
    name: 'a leader whose Lease was not renewed goes on',
    needs: [/"replicas":2/, /"do":"(pause|weather)"/],
    file: 'operator/replicas/leadership.ts',
    text: 'if (sinceConfirmedMs() >= times.renewDeadlineMs) {',
    replacement: 'if (false) {',
    also: [
      {
        file: 'operator/replicas/leadership.ts',
        text: 'Math.max(0, times.renewDeadlineMs - sinceConfirmedMs())',
        replacement: 'times.renewDeadlineMs',
      },
    ],
  },
  {
    name: 'the Lease of a living leader is taken away',
    needs: [/"replicas":2/],
    file: 'operator/replicas/lease-lock.ts',
    text: 'if (current && isHeldByAnother(current)) return false',
    replacement: '',
  },
  {
    name: 'a write that another process has overtaken counts as stored',
    notFound:
      'a process that lost its Lease is fenced before it writes, so only a write that was under way meets a conflict, and its term is over then',
    needs: [/"replicas":2/, /"do":"(pause|weather)"/],
    file: 'operator/inventory/stored-inventory.ts',
    text: "if (!isConflict && toOperationError(error).kind !== 'ambiguous') throw error",
    replacement: "if (isConflict) return\n    if (toOperationError(error).kind !== 'ambiguous') throw error",
  },
  {
    name: 'a volume in use is deregistered by force',
    needs: [/"do":"remove"/, /"do":"claim"/],
    file: 'operator/plan/volume-end-plan.ts',
    text: `    const claims = claimsOf(volume)
    if (claims.length > 0) {`,
    replacement: `    const claims: string[] = []
    if (claims.length > 0) {`,
    also: [
      {
        file: '../test/simulator/world/nomad.ts',
        text: 'if (workloads.claimsOn(at).length === 0) return',
        replacement: 'return',
      },
    ],
  },
  {
    name: 'the delete goes to the volume itself, not to its tombstone',
    needs: [/"do":"remove"/, /"policy":"Delete"/],
    file: 'operator/plan/volume-end-plan.ts',
    text: "return take(\n      'deregister-volume',",
    replacement:
      "return take(\n      deletionPolicy === 'Delete' && claimsOf(volume).length === 0 ? 'delete-volume' : 'deregister-volume',",
    also: [
      {
        file: 'operator/reconcile/steps/delete-volume.ts',
        text: 'const volumeID = tombstoneID(record.key, recordedExternalID(record))',
        replacement: 'const { volumeID } = record.declaration.spec',
      },
    ],
  },
  {
    name: 'the delete does not look for claims',
    needs: [/"do":"remove"/, /"do":"claim"/],
    file: 'operator/plan/volume-end-plan.ts',
    text: `    const claims = claimsOf(volume)
    if (claims.length > 0) {
      return wait('InUse', \`in use by allocations \${claims.join(', ')}; the end waits for them\`, waitPollMs)
    }
    return take(
      'deregister-volume',`,
    replacement:
      "    return take(\n      deletionPolicy === 'Delete' ? 'delete-volume' : 'deregister-volume',",
    also: [
      {
        file: 'operator/reconcile/steps/delete-volume.ts',
        text: 'const volumeID = tombstoneID(record.key, recordedExternalID(record))',
        replacement: 'const { volumeID } = record.declaration.spec',
      },
    ],
  },
  {
    name: 'a claim that a silent client holds counts as dead, without a word of a person',
    needs: [/"do":"node"/, /"detachesStale":true/],
    file: 'operator/plan/detach-plan.ts',
    text: ": { is: 'unproven', why: guess, needsConfirmation: true }",
    replacement: ": { is: 'dead', proof: guess }",
  },
  {
    name: 'a living writer counts as dead',
    needs: [/"do":"claim"/, /"detachesStale":true/, /"isBroken":true/],
    file: 'operator/plan/detach-plan.ts',
    text: "return { is: 'living' }",
    replacement: "return { is: 'dead', proof: 'it is old' }",
  },
  {
    name: 'an update wipes secrets that Nomad never shows',
    needs: [/"do":"(register by hand|write)"/],
    file: 'operator/plan/volume-update-plan.ts',
    text: 'if (unreadable.length > 0) {',
    replacement: 'if (false) {',
  },
  {
    name: 'an update leaves out the declared secrets',
    needs: [/"secrets":"token"/],
    file: 'operator/reconcile/steps/update-volume.ts',
    text: 'const body = { ...updateVolumeRequest(spec, volume), ...secretsField(input) }',
    replacement: 'const body = updateVolumeRequest(spec, volume)',
  },
  {
    name: 'a secret is stored in the intent of a create',
    needs: [/"secrets":"token"/],
    file: 'operator/reconcile/steps/create-volume.ts',
    text: 'intent: beginIntent(context, request, record.intent) }',
    replacement:
      'intent: beginIntent(context, { ...request, Secrets: arguments[0].seen.secretValues }, record.intent) }',
  },
  {
    name: 'an order to suspend is ignored',
    needs: [/"order":"suspend"/],
    file: passFile,
    text: "if (suspended !== undefined) return result(suspended.verdict, { type: 'done' })",
    replacement: '',
  },
  {
    name: 'spec.suspend is ignored',
    needs: [/"isSuspended":true/],
    file: 'operator/plan/volume-plan.ts',
    text: 'if (declaration.spec.suspend) {',
    replacement: 'if (false) {',
  },
  {
    name: 'an order to restore is carried out again and again',
    needs: [/"order":"restore"/],
    file: 'operator/reconcile/gather-restore.ts',
    text: 'if (restore === undefined || restore.externalID !== record.externalID)',
    replacement: 'if (restore === undefined)',
    also: [
      {
        file: 'operator/reconcile/steps/end-restore.ts',
        text: 'await inventory.amendOrders(key, ({ restore: _, undoRestore: __, ...orders }) => orders)',
        replacement: '',
      },
    ],
  },
]

import type { PlantedFault } from '../planted-faults.ts'

export const loops: readonly PlantedFault[] = [
  {
    name: 'a key that is added while it is processed is forgotten',
    file: 'operator/engine/key-queue.ts',
    text: "if (after?.type === 'running' && after.addedMeanwhile) add(key, after.addedMeanwhile)",
    replacement: '',
  },
  {
    name: 'a change of the files during a reading is forgotten',
    file: 'lib/reading-loop.ts',
    text: 'else isAskedAgain = true',
    replacement: '',
  },
  {
    name: 'a pass that failed is not tried again',
    file: 'operator/engine/controller.ts',
    text: 'queue.addAfter(key, retryInMs, priority)',
    replacement: '',
  },
  {
    name: 'a pass that asks to be run again is not',
    file: 'operator/engine/controller.ts',
    text: 'queue.addAfter(key, outcome.afterMs, nextPriority(key, priority, outcome.afterMs))',
    replacement: '{}',
  },
  {
    name: 'a change in the folder wakes nobody',
    file: 'operator/control-loop.ts',
    text: '...sources.map((source) => source.onChange(() => reading.read())),',
    replacement: '',
  },
  {
    name: 'a change in Nomad wakes nobody',
    file: 'operator/control-loop.ts',
    text: 'observer.onChange(onObserved),',
    replacement: '',
  },
  {
    name: 'what no event tells of is never looked at again',
    needs: [/destroy/],
    file: 'operator/control-loop.ts',
    text: 'every(clock, options.resyncMs, () => void lookAtAll()),',
    replacement: '',
  },
  {
    name: "a plugin's slots are never given back",
    file: 'operator/engine/pool.ts',
    text: 'return run()',
    replacement: 'void run()\n        return new Promise<void>(() => {})',
  },
  {
    name: 'failures are retried each second for ever',
    needs: [/"do":"(weather|deregister)"/],
    file: 'operator/engine/backoff.ts',
    text: 'baseMs * 2 ** count',
    replacement: 'baseMs',
  },
  {
    name: 'a detach that fails is tried again at once',
    needs: [/"detachesStale":true/, /"isBroken":true/],
    file: 'operator/plan/detach-plan.ts',
    text: 'if (tried !== undefined && waitMs > 0) {',
    replacement: 'if (false) {',
  },
  {
    name: 'a step that failed counts as done',
    file: 'operator/reconcile/pass.ts',
    text: 'throw new StepFailed(after.record, after.error ?? failure)',
    replacement: 'return after.record',
  },
  {
    name: 'the error of an update is swallowed',
    needs: [/"kind":"(errors|unreachable)"/],
    file: 'operator/reconcile/steps/update-volume.ts',
    text: 'if (spec.externalID === undefined) await context.api.createVolume(body, signal)',
    replacement:
      'if (spec.externalID === undefined) await context.api.createVolume(body, signal).catch(() => {})',
  },
  {
    name: 'a volume is written without a difference',
    file: 'operator/plan/volume-update-plan.ts',
    text: 'if (expansion === undefined && updatable.length === 0) return undefined',
    replacement: '',
  },
  {
    name: 'the same update is sent again and again',
    file: 'operator/plan/volume-update-plan.ts',
    text: 'if (record.lastUpdateHash !== undefined && record.lastUpdateHash === observation.updateHash) {',
    replacement: 'if (false) {',
    also: [
      {
        file: 'operator/plan/volume-update-plan.ts',
        text: 'if (expansion === undefined && updatable.length === 0) return undefined',
        replacement: '',
      },
    ],
  },
  {
    name: 'a volume that is larger than declared is changed',
    file: 'operator/plan/volume-difference.ts',
    text: '(capacityBytes > 0n ? min > capacityBytes :',
    replacement: '(capacityBytes > 0n ? min !== capacityBytes :',
  },
  {
    name: 'a volume that is too small counts as ready',
    file: 'operator/plan/volume-difference.ts',
    text: '(capacityBytes > 0n ? min > capacityBytes :',
    replacement: '(capacityBytes > 0n ? false :',
  },
  {
    name: 'ready does not depend on what was seen',
    needs: [/"do":"(destroy disk|deregister)"/],
    file: 'operator/reconcile/pass.ts',
    text: 'conditions: conditionsOf(verdict, after.status.conditions, clock.now()),',
    replacement:
      "conditions: conditionsOf({ state: 'ready', reason: 'AsDeclared', message: '' }, after.status.conditions, clock.now()),",
  },
]

import type { Absence } from '../desired/absence.ts'
import type { Decision } from '../plan/decision.ts'
import type { ScheduleDecision, ScheduleObservation } from '../plan/schedule-observation.ts'

export type ScheduleSeen =
  | { readonly type: 'declared'; readonly observation: ScheduleObservation }
  | { readonly type: 'absent'; readonly absence: Absence | undefined }

export type PlannedSchedule = Decision & Partial<Pick<ScheduleDecision, 'change' | 'nextRunMs' | 'kept'>>

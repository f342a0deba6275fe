// Original file: null


export interface UInt64Value {
  'value'?: (number | bigint);
}

export interface UInt64Value__Output {
  'value': (bigint);
}

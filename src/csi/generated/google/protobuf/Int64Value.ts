// Original file: null


export interface Int64Value {
  'value'?: (number | bigint);
}

export interface Int64Value__Output {
  'value': (bigint);
}

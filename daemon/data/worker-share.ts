/** How many workers share the load: limits that hold for the whole process are divided by it. */

/** Changes when the control thread starts or loses a worker. */
export interface WorkerShare {
  workers: number;
}

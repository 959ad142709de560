"""Mark the tasks that only move others along, and note which run each task is for and how
often it was tried."""


def migrate(cr, version):
    if not version:
        return
    cr.execute("UPDATE billing_task_type SET is_machine = TRUE WHERE code = 'run_advance'")
    cr.execute(
        """
        UPDATE billing_task task
           SET run_id = run.id
          FROM billing_run run
         WHERE task.res_model = 'billing.run' AND task.res_id = run.id AND task.run_id IS NULL
        """
    )
    # A task in error, or put back, counts the try that is to come when it comes.
    cr.execute(
        """
        UPDATE billing_task
           SET attempt_count = retry_count + postpone_count
               + (state IN ('completed', 'failed', 'running'))::int
         WHERE attempt_count IS NULL
        """
    )
